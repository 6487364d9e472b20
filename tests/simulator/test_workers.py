import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from simulator.chaos import parse_chaos
from simulator.exceptions import RunError, SinkError, WorkersFailed
from simulator.run import plan_run
from simulator.scenario import load_scenario
from simulator.workers import simulate_to, split

pytestmark = pytest.mark.slow

COMMAND = Path(sys.executable).with_name("ticketsim")
CHAOS = parse_chaos("duplicates=0.02,late=0.02:20m,corrupt=0.02,reorder=0.02")


def by_venue(lines):
    """Lines of each venue; garbage that names none has no place here."""
    found = defaultdict(list)
    for line in lines:
        found[json.loads(line)["venue_id"]].append(line)
    return found


@pytest.fixture
def live():
    """A paced run of two venues by two workers, as a process in a separate process group."""
    processes = []

    def start(*options):
        began = (datetime.now(UTC) - timedelta(hours=5)).isoformat()
        arguments = [COMMAND, "simulate", "--scenario", "stable", "--start", began, "--pace", "300"]
        process = subprocess.Popen(
            [*arguments, "--venues", "2", "--workers", "2", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            bufsize=0,  # `communicate` does not know what a buffer of ours has read ahead
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        for each in [*psutil.Process(process.pid).children(recursive=True)] if process.poll() is None else []:
            each.kill()
        process.kill()
        process.communicate()


def workers_of(process):
    return [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if any("spawn_main" in argument for argument in child.cmdline())
    ]


def read_until_both_venues_have_begun(process):
    seen, lines = set(), []
    while seen != {"venue-1", "venue-2"}:
        line = process.stdout.readline()
        assert line, process.stderr.read().decode()
        lines.append(line.rstrip(b"\n"))
        seen.add(json.loads(line)["venue_id"])
    return lines


def test_what_a_venue_sends_does_not_depend_on_the_number_of_workers(plan, tmp_path):
    run = plan("stable", venues=3, hours=2)
    summaries, found = [], []
    for workers in (1, 2, 3, 9):
        file = tmp_path / str(workers)
        summaries.append(simulate_to(run, f"file:{file}", workers=workers))
        found.append(by_venue(file.read_bytes().splitlines()))

    assert found[0] == found[1] == found[2] == found[3]
    assert set(found[0]) == {"venue-1", "venue-2", "venue-3"}
    for summary in summaries:
        assert summary.events == summaries[0].events
        assert (summary.venues, summary.last_hour, summary.stopped) == (3, summaries[0].last_hour, False)
        assert summary.total == sum(len(lines) for lines in found[0].values())


def test_neither_do_the_faults(plan, tmp_path):
    run = plan("stable", venues=2)
    one, two = (simulate_to(run, f"file:{tmp_path / str(w)}", workers=w, chaos=CHAOS) for w in (1, 2))

    assert one.injected == two.injected
    assert Counter((tmp_path / "1").read_bytes().splitlines()) == Counter((tmp_path / "2").read_bytes().splitlines())


def test_every_event_has_an_id_of_its_own_and_every_receipt_the_number_of_all_venues(plan, tmp_path):
    simulate_to(plan("stable", venues=3), f"file:{tmp_path / 'f'}", workers=2)
    messages = [json.loads(line) for line in (tmp_path / "f").read_bytes().splitlines()]

    assert len({m["event_id"] for m in messages}) == len(messages)
    assert {m["run_venues"] for m in messages if m["event_type"] == "hour_closed"} == {3}


@pytest.mark.parametrize("drain", [True, False])
def test_parts_on_many_machines_are_together_the_whole_run(plan, tmp_path, drain):
    def lines(name, **options):
        run = plan("stable", drain=drain, **options)
        simulate_to(run, f"file:{tmp_path / name}")
        return (tmp_path / name).read_bytes().splitlines()

    parts = lines("a", venues=2, run_venues=5) + lines("b", venues=3, venue_offset=2, run_venues=5)
    assert by_venue(parts) == by_venue(lines("whole", venues=5))


@pytest.mark.parametrize(("venues", "workers"), [(1, 1), (5, 2), (7, 7), (3, 8), (1000, 7)])
def test_a_run_is_split_into_ranges_as_equal_as_can_be(plan, venues, workers):
    parts = split(plan(venues=venues, venue_offset=10, run_venues=2000, run_id="x"), workers)

    assert [number for part in parts for number in part.venue_numbers] == list(range(11, 11 + venues))
    assert len(parts) == min(venues, workers)
    assert max(part.venues for part in parts) - min(part.venues for part in parts) <= 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"venue_offset": 3}, "3 venues before.*--run-venues"),
        ({"venue_offset": -1, "run_venues": 3}, "at least 0"),
        ({"venue_offset": 3, "run_venues": 4, "venues": 2}, "Invalid venues 4 to 5 of 4"),
        ({"run_venues": 0}, "venues 1 to 1 of 0"),
        ({"run_venues": 10**9}, "at most 100000"),
        ({"run_venues": 4}, "--run-id"),
    ],
)
def test_an_impossible_part_of_a_run_is_refused(options, said):
    with pytest.raises(RunError, match=said):
        plan_run(load_scenario("stable"), hours=1, **options)


@pytest.mark.parametrize("workers", [0, -1, 129, 10**9])
def test_a_number_of_workers_that_no_machine_has_is_refused(plan, workers):
    with pytest.raises(RunError, match=f"{workers} workers; expected 1 to 128"):
        simulate_to(plan(), "stdout", workers=workers)


def test_sigterm_stops_all_workers_with_their_receipts(live, tmp_path):
    file = tmp_path / "events.jsonl"
    process = live("--to", f"file:{file}", "--json")
    deadline = time.monotonic() + 60
    part = tmp_path / "events.jsonl.part"
    while not part.exists() or {b'"venue-1"' in part.read_bytes(), b'"venue-2"' in part.read_bytes()} != {True}:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    check_receipts(file.read_bytes().splitlines())
    summary = json.loads(out)
    assert summary["stopped"]
    assert summary["total"] == len(file.read_bytes().splitlines())


def test_ctrl_c_reaches_the_whole_group_and_all_receipts_come(live):
    process = live()
    lines = read_until_both_venues_have_begun(process)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    assert b"Traceback" not in err
    check_receipts(lines + out.splitlines())


def check_receipts(lines):
    messages = [json.loads(line) for line in lines]
    receipts = [m for m in messages if m["event_type"] == "hour_closed"]
    assert Counter(m["venue_id"] for m in receipts if m["final"]) == {"venue-1": 7, "venue-2": 7}
    assert sum(m["event_count"] for m in receipts) == len(messages) - len(receipts) > 0


def test_a_worker_that_dies_is_named_and_the_others_stop_with_receipts(live):
    process = live()
    lines = read_until_both_venues_have_begun(process)
    victim = min(workers_of(process), key=lambda worker: worker.create_time())
    victim.kill()
    out, err = process.communicate(timeout=60)

    assert process.returncode == 1
    assert b"worker 1 of 2 (venue-1 to venue-1) died by SIGKILL" in err
    assert b"Traceback" not in err
    final = [m for m in map(json.loads, lines + out.splitlines()) if m["event_type"] == "hour_closed" and m["final"]]
    assert Counter(m["venue_id"] for m in final) == {"venue-2": 7}


def test_workers_end_when_their_parent_is_killed(live):
    process = live()
    read_until_both_venues_have_begun(process)
    workers = workers_of(process)
    assert len(workers) == 2
    process.kill()
    _, alive = psutil.wait_procs(workers, timeout=30)

    assert not alive


def test_a_file_that_cannot_be_written_is_refused_before_any_worker_starts(plan):
    with pytest.raises(SinkError, match="Cannot write /nowhere/at/all"):
        simulate_to(plan(venues=2), "file:/nowhere/at/all", workers=2)


def test_errors_of_workers_are_told_with_their_names(plan):
    with pytest.raises(WorkersFailed, match=r"worker 1 of 2 .* failed: .*worker 2 of 2 .* failed: "):
        simulate_to(plan(venues=2), "kafka://", workers=2)


def test_progress_is_that_of_all_workers(plan, tmp_path):
    seen = []
    summary = simulate_to(
        plan("stable", venues=2, hours=24), f"file:{tmp_path / 'f'}", workers=2, on_progress=seen.append
    )

    assert seen[-1].events == summary.total
    assert seen[-1].fraction == 1.0
    assert [p.seconds for p in seen] == sorted(p.seconds for p in seen)


def test_a_reader_that_goes_away_stops_all_workers(live):
    process = live()
    read_until_both_venues_have_begun(process)
    workers = workers_of(process)
    process.stdout.close()
    assert process.wait(60) == 1
    _, alive = psutil.wait_procs(workers, timeout=30)

    assert not alive
    assert b"reader of standard output has gone away" in (said := process.stderr.read())
    assert b"Traceback" not in said


def test_ctrl_c_while_workers_wait_for_a_broker_ends_at_once(live):
    process = live("--to", "kafka://127.0.0.1:1")
    assert b"waiting up to 60 s" in process.stderr.readline()
    workers = workers_of(process)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=20)

    assert process.returncode == 130
    assert b"Traceback" not in said
    assert not psutil.wait_procs(workers, timeout=20)[1]


@pytest.mark.slow
def test_each_worker_has_its_own_producer_into_kafka(topics, plan):
    from confluent_kafka import TopicPartition
    from confluent_kafka.admin import AdminClient, OffsetSpec

    summary = simulate_to(plan("stable", venues=3), f"kafka://{topics}", workers=2)

    admin = AdminClient({"bootstrap.servers": topics})
    partitions = [
        TopicPartition(name, number)
        for name, topic in admin.list_topics(timeout=10).topics.items()
        if name.startswith("ticketsim.")
        for number in topic.partitions
    ]
    ends = admin.list_offsets(dict.fromkeys(partitions, OffsetSpec.latest()))
    assert sum(end.result().offset for end in ends.values()) == summary.total
