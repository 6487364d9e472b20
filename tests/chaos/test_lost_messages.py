"""Messages that are gone from Kafka: named, refused, accepted once, subtracted; and partitions that come."""

import shutil
from typing import Any

import pytest
from harness.kafka import add_partitions, cut_front, fill, lose_log
from harness.source import send_run
from harness.stream import Process, Stream, wait_until
from harness.truth import offsets_of, require_truth, rows_of_ended_logs, verdict

from streaming.lake.losses import read_losses

from ..fresh_topics import make_anew

pytestmark = pytest.mark.slow

SHORTER, LONGER = "ticketsim.bus_arrival", "ticketsim.scan_tickets"
CUT, AHEAD, GROWING = "ticketsim.walk_to_seller", "ticketsim.buy_tickets", "ticketsim.wait_in_scanner_line"

Ends = dict[tuple[str, int], int]


def test_what_kafka_lost_is_refused_by_name_then_accepted_once_and_never_taken_for_a_fault(stream, broker):
    fill(stream.bootstrap, 5)
    sent = [send_run(stream.bootstrap, seed=1)]
    stream.once()
    require_truth(stream, sent)
    before, state = offsets_of(stream), verdict(stream).state

    lose_what_was_not_read(stream, broker)
    refused_with_offsets(stream.refused(), before)
    sent.append(make_topics_again(stream, before))
    refused_with_ids(stream.refused())
    lost = shown_and_unchanged(stream, before)

    killed_between_recording_and_going_on(stream)
    accepted = stream.once("--accept-loss")
    assert len(list(stream.lake.glob("losses/_delta_log/*.json"))) == 1
    assert len(list(read_losses(stream.opened))) == len(lost)
    assert accepted["quarantined"] >= 3 * max(before.values())
    assert list(stream.home.glob("checkpoint.aside-*"))
    require_truth(stream, sent)
    assert rows_of_ended_logs(stream) == {name: end for name, end in before.items() if name in lost and end}
    assert verdict(stream, state).losses
    assert stream.start("--accept-loss", "--dry-run").ended(0)["recovery"]["needed"] is False

    # A topic gains partitions while the checkpoint is lost, another one while the stream runs.
    shutil.rmtree(stream.checkpoint)
    add_partitions(stream.bootstrap, SHORTER, 5)
    fill(stream.bootstrap, 2)
    process = stream.start("--recover", "--trigger=1s")
    known = stream.versions()
    wait_until(lambda: stream.versions() > known, "the stream resumes", process.require_alive)
    assert "resumes where the lake ends; nothing is lost" in " ".join(process.errors.split())
    add_partitions(stream.bootstrap, GROWING, 4)
    fill(stream.bootstrap, 2)
    sent.append(send_run(stream.bootstrap, seed=3))
    wait_until(lambda: is_through(process, stream.versions()), "the stream is through", process.require_alive)
    process.stop()
    assert {f"{GROWING}/3", f"{SHORTER}/4"} <= set(verdict(stream, state).state.next_offsets)
    require_truth(stream, sent)


def lose_what_was_not_read(stream: Stream, broker) -> None:
    """Delete unread messages: retention was faster than the stream, and a broker's disk was replaced."""
    broker.kill()
    lose_log(broker.directory, AHEAD, 0)
    broker.restart()
    for topic in (CUT, SHORTER, LONGER):
        fill(stream.bootstrap, 4, topic=topic)
    cut_front(stream.bootstrap, CUT)  # of which a killed broker would know nothing for a minute


def refused_with_offsets(complaint: str, before: Ends) -> None:
    for partition in range(3):
        end = before[CUT, partition]
        resumes = f"resumes at offset {end} of {CUT}/{partition}"
        assert f"{resumes}, but Kafka holds nothing, its next offset is {end + 4}" in complaint
    assert (
        f"resumes at offset {before[AHEAD, 0]} of {AHEAD}/0, but Kafka holds nothing, its next offset is 0" in complaint
    )
    assert "--accept-loss" in complaint
    assert "docs/runbook.md" in complaint


def make_topics_again(stream: Stream, before: Ends) -> Any:
    """Recreate two topics: then one is shorter than what the lake holds, the other longer."""
    make_anew(stream.bootstrap, [SHORTER])
    make_anew(stream.bootstrap, [LONGER])
    fill(stream.bootstrap, max(before.values()) + 10, topic=LONGER)
    fill(stream.bootstrap, 1, topic=SHORTER)
    return send_run(stream.bootstrap, seed=2)


def refused_with_ids(complaint: str) -> None:
    assert "was deleted and created again: the lake" in complaint
    assert "the broker's has id" in complaint
    assert "--accept-loss" in complaint


def shown_and_unchanged(stream: Stream, before: Ends) -> Ends:
    """Return the losses that --dry-run reports, and check that it changes nothing."""
    shown = stream.start("--accept-loss", "--dry-run").ended(0)["recovery"]
    lost = {(place["topic"], place["partition"]): place for place in shown["partitions"] if place["lost"]}
    assert set(lost) == {(topic, p) for topic in (CUT, SHORTER, LONGER) for p in range(3)} | {(AHEAD, 0)}
    assert all(place["first_lost"] == before[name] for name, place in lost.items())
    assert {place["end_lost"] for name, place in lost.items() if name[0] != CUT} == {None}
    assert not (stream.lake / "losses").exists()
    refused_with_ids(stream.refused())
    return {name: place["first_lost"] for name, place in lost.items()}


def killed_between_recording_and_going_on(stream: Stream) -> None:
    """Kill a stream between recording the loss and resuming; a plain start is refused as before."""
    process = stream.start("--accept-loss", "--once")
    recorded = stream.lake / "losses" / "_delta_log" / "00000000000000000000.json"
    wait_until(recorded.exists, "the loss is recorded", process.require_alive, every_s=0.0005)
    process.kill_jvm()
    if stream.versions() == 1:  # the kill came before the first batch: it had not resumed yet
        stream.refused()


def is_through(process: Process, version: int) -> bool:
    """Return whether the newest batch left nothing in Kafka."""
    batches = process.batches
    return bool(batches) and batches[-1]["version"] == version and sum((batches[-1]["lag"] or {"?": 1}).values()) == 0
