"""Clocks that jump, disks that are full, messages that are huge or that break the parser, and a second stream."""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from harness.disk import fill_up, mount, unmount
from harness.kafka import fill, let_the_sender_date, produce
from harness.source import START, send_run
from harness.stream import Stream, wait_until
from harness.truth import holds_everything, open_rows, require_truth

from streaming.lake.losses import read_losses

from ..fresh_topics import make_anew

pytestmark = pytest.mark.slow

BIG = 5 * 2**20
EVENT_TIME_US = int(START.timestamp() * 1_000_000)
HOUR_MS = 3_600_000
SALES, BUSES = "ticketsim.buy_tickets", "ticketsim.bus_arrival"


def sale(number: int, **changes) -> bytes:
    message = {
        "event_id": f"big-north-{number}",
        "event_type": "buy_tickets",
        "schema_version": 1,
        "run_id": "big",
        "venue_id": "north",
        "event_time": EVENT_TIME_US,
        "started_at": EVENT_TIME_US,
        "arrived_at": EVENT_TIME_US,
        "bus_id": 1,
        "group_id": 1,
        "first_visitor_id": 1,
        "party_size": 1,
        "channel": "box_office",
        "line": 1,
        "amount_cents": 5_000,
    }
    return json.dumps(message | changes).encode()


def counted(stream: Stream, where: str) -> dict:
    with open_rows(stream) as rows:
        query = f"select coalesce(reason, 'accepted'), count(*) from lake where {where} group by all"
        return dict(rows.execute(query).fetchall())


def test_huge_and_poisonous_messages_jumping_clocks_and_a_second_stream_change_nothing(stream, broker, tmp_path):
    clock = tmp_path / "clock"
    clock.write_text("6")
    script = Path(__file__).parent / "harness" / "clocked.py"
    ahead = Stream.below(tmp_path, stream.bootstrap, launcher=(sys.executable, str(script), f"--clock={clock}"))
    stream.started.extend([process := ahead.start("--trigger=1s")])

    # 5 MB each: valid with an unknown field, no JSON at all, nested too deep for the parser, half a surrogate.
    big = [sale(number, note="x" * BIG) for number in range(8)]
    bad = [
        b"\xff" * BIG,
        b"{" + b" " * BIG,
        sale(0)[:-1] + b', "note": ' + b"[" * BIG,
        b"[" * BIG,
        b'{"a":' * (BIG // 5),
    ]
    bad += [sale(0)[:-1] + b', "note": "' + b"\\ud800" * (BIG // 6) + b'"}', b"9" * BIG, b'"' + b"\\" * BIG]
    produce(stream.bootstrap, SALES, [message for pair in zip(big, bad, strict=True) for message in pair])
    sent = [send_run(stream.bootstrap, seed=11)]
    wait_until(lambda: holds_everything(stream), "the first run is in the lake", process.require_alive, every_s=0.5)
    assert counted(stream, "run_id = 'big' or reason is not null") == {"accepted": 8, "malformed_json": 8}

    # Only one may write, whatever checkpoint it brings.
    for checkpoint in (stream.checkpoint, stream.home / "other"):
        complaint = stream.refused(checkpoint=checkpoint)
        assert f"is being written by process {process.popen.pid} (ticketsim stream, since " in complaint

    # The job's clock falls back by 15 hours. The broker's jumps about: only what is more than an hour ahead of it is
    # quarantined, as the contract says.
    clock.write_text("-9")
    let_the_sender_date(stream.bootstrap, SALES)
    arrivals_ms = {hours: round(START.timestamp() * 1000 + hours * HOUR_MS) for hours in (200, -2, 48, -0.9, -30, 0)}
    for hours, arrival_ms in arrivals_ms.items():
        produce(stream.bootstrap, SALES, [sale(round(1_000 + hours * 10))] * 3, timestamp_ms=arrival_ms)
    sent.append(send_run(stream.bootstrap, seed=12))
    wait_until(lambda: holds_everything(stream), "the second run is in the lake", process.require_alive, every_s=0.5)
    process.stop()
    late = "kafka_timestamp < '2026-03-12' and topic = 'ticketsim.buy_tickets' and coalesce(run_id, 'big') = 'big'"
    assert counted(stream, f"{late} and kafka_timestamp < now() - interval 1 day") == {
        "accepted": 12,
        "bad_value:event_time": 6,
    }
    require_truth(stream, sent)
    with open_rows(stream) as rows:
        oldest, newest = rows.execute("select min(ingested_at), max(ingested_at) from lake").fetchone()
    assert newest - oldest > timedelta(hours=14)

    # A topic is made again while the newest rows are dated hours ahead of the clock: the new log is dated behind them.
    make_anew(stream.bootstrap, [BUSES])
    fill(stream.bootstrap, 2, topic=BUSES)
    sent.append(send_run(stream.bootstrap, seed=13))
    stream.once("--accept-loss")
    resumed_at = read_losses(stream.opened).resumed_at
    assert resumed_at > newest > datetime.now(UTC)
    require_truth(stream, sent)


def test_a_full_disk_stops_the_stream_with_an_error_that_says_so_and_room_lets_it_go_on(stream, topics, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if complaint := mount(disk, "16m"):
        pytest.skip(f"a small file system cannot be mounted here: {complaint}")
    try:
        small = Stream.below(tmp_path, topics, lake=disk / "lake", checkpoint=disk / "checkpoint")
        stream.started = small.started
        sent = [send_run(topics, seed=21, hours=0.5)]
        process = small.start("--trigger=1s")
        wait_until(lambda: holds_everything(small), "the first run is in the lake", process.require_alive, every_s=0.5)
        filler = fill_up(disk)
        sent.append(send_run(topics, seed=22, hours=2))
        process.ended(1)
        assert "no space left on a disk of the stream" in process.errors
        assert "free some space and restart the stream" in process.errors
        filler.unlink()
        small.once()
        require_truth(small, sent)
    finally:
        for process in stream.started:
            process.popen.kill()
            if jvm := process.jvm:
                jvm.kill()
        unmount(disk)
