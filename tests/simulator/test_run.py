import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

import simulator.run
from simulator.distributions import Exponential
from simulator.environment import wall_clock_us
from simulator.events import HOUR_US
from simulator.exceptions import RunError, ScenarioError
from simulator.run import plan_run, simulate
from simulator.scenario import built_in_names, load_scenario
from simulator.sinks import open_sink

from .conftest import Kept

ORIGINAL = load_scenario("original")
COMMAND = Path(sys.executable).with_name("ticketsim")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"hours": None}, "Missing --hours"),
        ({"hours": 0}, "0 hours"),
        ({"hours": -1}, "-1 hours"),
        ({"hours": float("nan")}, "nan hours"),
        ({"hours": 1e9}, "1e.09 hours"),
        ({"hours": 1e300}, "1e.300 hours"),
        ({"hours": 870_000.0, "start": None}, "Invalid run from .* to .*; expected times from 2000"),
        ({"seed": -1}, "Invalid seed -1"),
        (
            {"seed": 10**5000},
            "Invalid seed a number of thousands of digits; expected .* 0 to 2.64 - 1",
        ),
        ({"venues": 10**9}, "1000000000 venues; expected 1 to 1000"),
        ({"venue_offset": 10**400, "run_venues": 2}, "venues 10+[.]{3}0+1 to "),
        ({"venues": 0}, "0 venues"),
        ({"pace": -1.0}, "pace of -1"),
        ({"pace": float("inf")}, "pace of inf"),
        ({"pace": float("nan")}, "pace of nan"),
        ({"pace": 1e-300}, "pace of 1e-300; expected 0 .* from 0.001 to 1e.09"),
        ({"pace": 1e300}, "pace of 1e.300"),
        ({"run_id": "a b"}, "'a b'"),
        ({"run_id": ""}, "''"),
        ({"start": datetime(1999, 12, 31, tzinfo=UTC)}, "1999-12-31.*2000"),
        ({"start": datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))}, "from the year 0 to .*2000"),
        ({"start": datetime.max.replace(tzinfo=timezone(timedelta(hours=-14)))}, "Invalid start the year 10,000"),
        ({"start": datetime.now(UTC) - timedelta(hours=1)}, "from the future.*Start at .* or earlier"),
        ({"start": datetime.now(UTC) + timedelta(days=2), "pace": 1.0}, "in the future"),
    ],
)
def test_an_impossible_run_is_refused_with_the_value(options, said):
    with pytest.raises(RunError, match=said):
        plan_run(ORIGINAL, **({"hours": 1} | options))


@pytest.mark.slow
@pytest.mark.parametrize("hours", [1, 24])
@pytest.mark.parametrize("name", built_in_names())
def test_by_default_a_run_begins_at_midnight_and_ends_in_the_past_with_its_drain(name, hours, kept):
    run = plan_run(load_scenario(name), hours=hours, seed=hours)
    sink = kept()
    simulate(run, sink)

    assert run.start_us % (24 * HOUR_US) == 0
    assert max(json.loads(value)["event_time"] for value in sink.values[-20:]) < wall_clock_us()


def test_the_default_run_id_names_all_that_shapes_the_run(plan):
    usual = {"scenario": "original", "seed": 1, "hours": 1, "venues": 1, "start": datetime(2026, 3, 1, tzinfo=UTC)}
    others = [
        {"scenario": "stable"},
        {"sellers": 5},
        {"seed": 2},
        {"hours": 2},
        {"venues": 2},
        {"drain": False},
        {"start": datetime(2026, 3, 2, tzinfo=UTC)},
    ]
    ids = [plan(**(usual | other)).run_id for other in [{}, *others]]

    assert len(set(ids)) == len(ids)
    assert ids[0].startswith("original-")
    assert (
        plan(**usual).run_id == plan(**usual, pace=60.0).run_id == plan(**usual, description="other").run_id == ids[0]
    )


@pytest.mark.parametrize("hours", [None, 3])
def test_the_id_of_a_live_run_holds_its_time_of_start_and_is_never_the_same_again(hours):
    start = None if hours is None else datetime.now(UTC) - timedelta(hours=1)
    first, second = (plan_run(ORIGINAL, pace=1.0, start=start, hours=hours) for _ in range(2))

    assert first.run_id.startswith(f"original-{datetime.now(UTC):%Y%m%dT%H}")
    assert first.run_id != second.run_id


def test_the_summary_counts_what_was_sent(plan, kept):
    sink = kept()
    progress = []
    summary = simulate(plan(venues=2, hours=1.5), sink, progress.append)

    assert summary.events == Counter(m["event_type"] for m in sink.messages)
    assert summary.total == len(sink.sent) == progress[-1].events
    assert summary.first_hour == datetime(2026, 3, 1, tzinfo=UTC)
    assert summary.last_hour.timestamp() * 1_000_000 == max(m["hour_start"] for m in sink.of("hour_closed"))
    assert not summary.stopped


@pytest.mark.parametrize(
    ("stop_after", "options"),
    [
        (0, {}),
        (30, {"hours": 4}),
        (38, {"hours": 3, "scenario": "four-sellers-two-scanners"}),  # in its long drain
        (10, {"hours": 1.9, "drain": False}),
        (20, {"hours": 3, "scenario": "stable", "pace": 1e9}),
    ],
)
def test_a_stopped_run_has_sent_the_beginning_of_the_whole_run_to_the_end_of_an_hour(
    plan, ran, kept, monkeypatch, *, stop_after, options
):
    monkeypatch.setattr(simulator.run, "_FINISH_WITHIN_S", float("inf"))  # a slow machine may need more than that
    run = plan(venues=2, **({"scenario": "original"} | options))
    looks = iter(range(10_000))
    sink = kept()
    summary = simulate(run, sink, stopped=lambda: next(looks) >= stop_after)
    whole = ran(venues=2, **({"scenario": "original"} | options))

    assert summary.stopped
    for venue in (b"venue-1", b"venue-2"):
        sent = [value for _, key, value in sink.sent if key == venue]
        assert sent == [value for _, key, value in whole.sent if key == venue][: len(sent)]
        assert [json.loads(value)["event_type"] for value in sent[-7:]] == ["hour_closed"] * 7
    closed = sink.of("hour_closed")
    assert sum(m["event_count"] for m in closed) == len(sink.sent) - len(closed)
    assert {kind: count for kind, count in summary.events.items() if count} == Counter(
        m["event_type"] for m in sink.messages
    )
    assert summary.last_hour.timestamp() * 1_000_000 == max(m["hour_start"] for m in closed)


def test_a_stop_in_the_last_hour_is_none(plan, ran, kept):
    looks = iter(range(1000))
    sink = kept()
    summary = simulate(plan("stable", hours=0.5), sink, stopped=lambda: next(looks) > 2)

    assert not summary.stopped
    assert sink.sent == ran("stable", hours=0.5).sent


@pytest.mark.slow
def test_a_stopped_live_run_sends_the_final_receipts_of_its_open_hour_for_every_venue(plan, kept):
    sink = kept()
    start = datetime.now(UTC) - timedelta(hours=50.5)
    run = plan(venues=3, hours=None, pace=1e9, start=start)
    summary = simulate(run, sink, stopped=lambda: len(sink.sent) > 50_000)

    assert summary.stopped
    final = [m for m in sink.of("hour_closed") if m["final"]]
    assert Counter(m["venue_id"] for m in final) == {"venue-1": 7, "venue-2": 7, "venue-3": 7}
    events = [m for m in sink.messages if m["event_type"] != "hour_closed"]
    assert sum(m["event_count"] for m in sink.of("hour_closed")) == len(events) > 1000
    assert {m["hour_start"] for m in final} == {max(m["event_time"] for m in events) // HOUR_US * HOUR_US}


class Sluggish:
    """A sink that takes its time for each of the first messages."""

    def __init__(self, messages: int, seconds: float) -> None:
        self.messages, self.seconds = messages, seconds

    def send(self, topic, key, value):
        if self.messages:
            self.messages -= 1
            time.sleep(self.seconds)

    def poll(self):
        pass

    def flush(self):
        pass


@pytest.mark.slow
def test_a_run_whose_receiver_is_too_slow_for_its_pace_says_how_late_it_is(plan):
    heard = []
    # 6 minutes at this pace are a quarter of a second; the receiver alone needs one and a half for what comes in them.
    run = plan("stable", hours=0.1, pace=1440.0, drain=False)
    summary = simulate(run, Sluggish(150, 0.01), heard.append)

    assert summary.lateness.matters
    assert summary.lateness.largest_s >= 150 * 0.01 - 0.25
    assert max(progress.lateness.present_s for progress in heard) > 0
    assert 0 <= summary.lateness.present_s <= summary.lateness.largest_s


@pytest.mark.slow
def test_a_run_that_was_late_catches_up(plan):
    summary = simulate(plan("stable", hours=0.5, pace=600.0, drain=False), Sluggish(20, 0.06))

    assert summary.lateness.largest_s >= 1.2 - 0.5
    assert summary.lateness.present_s < summary.lateness.largest_s / 2


@pytest.mark.slow
def test_the_command_says_that_a_run_is_late_while_it_runs_and_at_its_end(tmp_path):
    start = (datetime.now(UTC) - timedelta(hours=100)).isoformat()
    # At this pace it would be at the wall clock within a thousandth of a second.
    arguments = ["--start", start, "--hours", "12", "--pace", "1e9", "--venues", "4", "--to", f"file:{tmp_path / 'f'}"]
    done = subprocess.run(
        [COMMAND, "simulate", *arguments, "--json"], capture_output=True, text=True, timeout=300, check=True
    )
    late = json.loads(done.stdout)["lateness_s"]

    assert late["largest"] >= late["present"] > 0
    assert re.search(r"^late: [\d.]+ s behind the wall clock at pace 1e\+09", done.stderr, re.M)
    assert re.search(r"^late: up to [\d.]+ s behind the wall clock, [\d.]+ s at the end", done.stderr, re.M)


def test_a_paced_run_takes_its_time(plan, kept):
    sink = kept()
    began = time.monotonic()
    simulate(plan("stable", hours=0.05, pace=360.0, drain=False), sink)

    assert 0.5 <= time.monotonic() - began < 2


def test_a_paced_run_sends_the_same_as_a_fast_one(ran):
    assert ran("stable", hours=0.1, pace=3600.0).sent == ran("stable", hours=0.1).sent


@pytest.mark.slow
def test_a_pace_above_one_falls_to_one_at_the_wall_clock(clockwork):
    class Watching(Kept):
        def send(self, topic, key, value):
            ahead.append(json.loads(value)["event_time"] - wall_clock_us())
            super().send(topic, key, value)

    ahead = []
    busy = replace(clockwork, minutes_between_buses=replace(clockwork.minutes_between_buses, mean=0.01))
    start = datetime.now(UTC) - timedelta(seconds=60)
    run = plan_run(busy, start=start, hours=62 / 3600, pace=3600.0, drain=False)
    sink = Watching()
    simulate(run, sink)

    events = ahead[:-7]
    assert len(events) > 90
    assert max(events) <= 0
    assert min(events[-3:]) > -500_000, "the last events come as they happen"


@pytest.mark.slow
def test_the_whole_run_after_a_stopped_one_adds_what_is_missing_and_changes_nothing_else(tmp_path):
    arguments = ["simulate", "--hours", "2000", "--start", "2026-01-01", "--json", "--to"]
    file = tmp_path / "stopped.jsonl"
    process = subprocess.Popen([COMMAND, *arguments, f"file:{file}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for_lines(tmp_path / "stopped.jsonl.part")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert b"Run it again with the same options to send the rest" in err
    stopped = json.loads(out)
    assert stopped["stopped"]
    with subprocess.Popen([COMMAND, *arguments[:-2], "--to", "stdout"], stdout=subprocess.PIPE) as whole:
        for number, line in enumerate(file.open("rb"), 1):
            assert line == whole.stdout.readline(), number
        whole.kill()
    assert number == stopped["total"]


@pytest.mark.slow
def test_a_stopped_process_sends_the_receipts_of_its_open_hour_and_ends_well(tmp_path):
    file = tmp_path / "events.jsonl"
    start = (datetime.now(UTC) - timedelta(hours=5)).isoformat()
    arguments = ["simulate", "--start", start, "--pace", "60", "--venues", "2", "--to", f"file:{file}", "--json"]
    process = subprocess.Popen([COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for_lines(tmp_path / "events.jsonl.part")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)

    assert process.returncode == 0, err
    messages = [json.loads(line) for line in file.read_text().splitlines()]
    receipts = [m for m in messages if m["event_type"] == "hour_closed" and m["final"]]
    assert Counter(m["venue_id"] for m in receipts) == {"venue-1": 7, "venue-2": 7}
    summary = json.loads(out)
    assert summary["stopped"]
    assert summary["events"] == dict.fromkeys(summary["events"], 0) | Counter(m["event_type"] for m in messages)
    assert sum(m["event_count"] for m in messages if m["event_type"] == "hour_closed") == len(messages) - sum(
        m["event_type"] == "hour_closed" for m in messages
    )


@pytest.mark.slow
def test_ctrl_c_ends_a_run_to_standard_output_as_well():
    start = (datetime.now(UTC) - timedelta(hours=5)).isoformat()
    process = subprocess.Popen(
        [COMMAND, "simulate", "--start", start, "--pace", "600"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)

    assert process.returncode == 0, err
    assert [json.loads(line)["final"] for line in out.splitlines()[-7:]] == [True] * 7
    assert b"Traceback" not in err


def wait_for_lines(file: Path) -> None:
    deadline = time.monotonic() + 30
    while not (file.exists() and file.stat().st_size):
        assert time.monotonic() < deadline, "the simulator has written nothing for 30 s"
        time.sleep(0.1)


def test_lines_that_would_take_thousands_of_years_to_drain_are_refused_with_the_year():
    hopeless = replace(ORIGINAL, minutes_between_buses=Exponential(0.01), sale_minutes=Exponential(10_000))
    with pytest.raises(RunError, match=r"With its drain it may last until the year [0-9,]{5,}, and it is"):
        plan_run(hopeless, hours=1000, start=datetime(2026, 3, 1, tzinfo=UTC))
    with pytest.raises(RunError, match=r"Invalid run from the year -[0-9,]+ to"):
        plan_run(hopeless, hours=1000)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--hours", "1", "--json"], "--json"),
        (["--hours", "1", "--to", "kafka://nowhere"], "kafka://nowhere"),
        (["--hours", "1", "--scenario", "nothing"], "no scenario 'nothing'"),
        (["--hours", "1", "--start", "yesterday"], "yesterday"),
        (["--hours", "1", "--to", "file:/nowhere/at/all"], "Cannot write /nowhere/at/all"),
        ([], "--hours"),
    ],
)
def test_a_wrong_command_is_refused_in_one_sentence(arguments, said):
    done = subprocess.run([COMMAND, "simulate", *arguments], capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_full_disk_behind_standard_output_is_told_in_one_sentence(workers):
    with Path("/dev/full").open("wb") as full:
        arguments = ["simulate", "--hours", "1", "--venues", "2", "--workers", workers]
        done = subprocess.run([COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, timeout=120, check=False)

    assert done.returncode == 1
    said = done.stderr.strip()
    assert said.startswith(b"error: Cannot write to standard output: No space left on device.")
    assert b"\n" not in said


@pytest.mark.slow
def test_a_reader_that_goes_away_stops_the_simulation():
    with subprocess.Popen(
        [COMMAND, "simulate", "--hours", "24"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 1
        said = process.stderr.read().decode()

    assert "reader of standard output has gone away" in said
    assert "Traceback" not in said
    assert "Exception ignored" not in said


def test_a_file_appears_when_it_is_complete(tmp_path):
    file = tmp_path / "events.jsonl"
    file.write_text("old")
    with open_sink(f"file:{file}") as sink:
        sink.send("t", b"k", b"{}")
        assert file.read_text() == "old"
    assert file.read_text() == "{}\n"

    def break_off():
        with open_sink(f"file:{file}") as sink:
            sink.send("t", b"k", b"{}")
            raise ScenarioError("broken off")

    with pytest.raises(ScenarioError):
        break_off()
    assert file.read_text() == "{}\n"
    assert list(tmp_path.iterdir()) == [file]
