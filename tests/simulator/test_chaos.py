import itertools
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from simulator.chaos import Chaos, chaos_sink, parse_chaos
from simulator.exceptions import ChaosError
from simulator.run import simulate

COMMAND = Path(sys.executable).with_name("ticketsim")
SPEC = "duplicates=0.05,late=0.05:20m,corrupt=0.05,reorder=0.05"
MINUTE_US = 60_000_000


@pytest.fixture
def suffered(plan, kept):
    """What a run sends under chaos, and what is said of it."""

    def run(chaos, **options):
        sink, planned = kept(), plan("stable", **options)
        with chaos_sink(sink, parse_chaos(chaos) if isinstance(chaos, str) else chaos, planned.seed) as faulty_sink:
            simulate(planned, faulty_sink)
        return sink, faulty_sink.injected

    return run


def test_a_specification_is_read():
    assert parse_chaos("duplicates=0.01,late=0.02:20m,corrupt=0.005") == Chaos(0.01, 0.02, 20 * MINUTE_US, 0.005)
    assert parse_chaos(" reorder = 1 , late = 0 : 90s ") == Chaos(late=0, delay_us=90_000_000, reorder=1)


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ("", ["''"]),
        ("duplicate=0.1", ["duplicate=0.1", "duplicates=P"]),
        ("duplicates", ["duplicates", "duplicates=P"]),
        ("duplicates=0.1,", ["''"]),
        ("duplicates=1.5", ["duplicates=1.5", "from 0 to 1"]),
        ("corrupt=-0.1", ["corrupt=-0.1", "from 0 to 1"]),
        ("reorder=nan", ["reorder=nan", "from 0 to 1"]),
        ("reorder=often", ["often", "from 0 to 1"]),
        ("corrupt=", ["corrupt=", "from 0 to 1"]),
        ("corrupt=0.1,corrupt=0.2", ["corrupt", "twice"]),
        ("late=0.1", ["late=0.1", "DELAY"]),
        ("late=0.1:soon", ["soon", "20m"]),
        ("late=0.1:0s", ["0s", "more than 0"]),
        ("late=0.1:9d", ["9d", "7 days"]),
        ("late=0.1:" + "9" * 400, ["999", "20m"]),
        ("late=0.1:" + "9" * 5000 + "s", ["999", "20m"]),
        ("late=2:5m", ["late=2:5m", "from 0 to 1"]),
    ],
)
def test_an_impossible_specification_is_refused_by_name_and_value(spec, named):
    with pytest.raises(ChaosError) as refusal:
        parse_chaos(spec)

    for part in named:
        assert part in str(refusal.value)


@pytest.mark.parametrize("seed", range(5))
def test_without_copies_and_garbage_what_remains_is_the_clean_run(suffered, ran, violations, seed):
    sink, injected = suffered(SPEC, seed=seed, venues=2, hours=0.5, run_id="x")
    clean = ran("stable", seed=seed, venues=2, hours=0.5, run_id="x").sent
    extra = Counter(sink.sent) - Counter(clean)

    assert not Counter(clean) - Counter(sink.sent), "every true message is there"
    copies = Counter({message: n for message, n in extra.items() if message in set(clean)})
    assert copies.total() == injected.duplicates > 0
    garbage = extra - copies
    assert garbage.total() == injected.corrupt.total() > 0
    assert len(sink.sent) == len(clean) + injected.extra
    for message in garbage:
        assert breaks_the_contract(violations, message), message


def test_receipts_count_true_messages_once_whatever_happens_on_the_way(suffered, violations, sums_of):
    sink, _ = suffered(SPEC, venues=2, hours=1.5)
    true = {message for message in sink.sent if not breaks_the_contract(violations, message)}
    messages = [json.loads(value) for _, _, value in true]
    receipts = [message for message in messages if message["event_type"] == "hour_closed"]

    assert len(receipts) >= 2 * 2 * 7
    for receipt in receipts:
        expected = sums_of(messages, receipt)
        assert {name: receipt.get(name) for name in expected} == expected


def breaks_the_contract(violations, message):
    try:
        return violations(*message)
    except (ValueError, KeyError, TypeError):
        return True


def test_every_kind_of_garbage_breaks_the_contract_and_stays_on_its_line(suffered, ran, violations):
    sink, injected = suffered(Chaos(corrupt=1.0), run_id="x", hours=0.1)
    true = set(ran("stable", run_id="x", hours=0.1).sent)
    garbage = [message for message in sink.sent if message not in true]

    assert len(garbage) == injected.corrupt.total() == len(true)
    assert set(injected.corrupt) == {
        *("truncated", "random_bytes", "trailing_garbage", "single_quotes", "wrong_topic", "missing_field"),
        *("wrong_type", "time_out_of_range", "unknown_event_type", "wrong_version"),
    }
    assert all(breaks_the_contract(violations, message) for message in garbage)
    assert not any(b"\n" in value for _, _, value in garbage)


def test_the_same_run_suffers_the_same_whoever_shares_its_process(suffered):
    def of_venue_2(venues):
        sink, _ = suffered(SPEC, venues=venues, run_id="x")
        # The number of the run's venues, and the digest that it is part of. Garbage may hold them in single quotes.
        return [re.sub(rb"run_venues.:\d|digest.:\d+", b"", value) for _, key, value in sink.sent if key == b"venue-2"]

    assert suffered(SPEC)[0].sent == suffered(SPEC)[0].sent
    assert of_venue_2(2) == of_venue_2(3)


def test_venues_and_seeds_suffer_differently(kept):
    def order(key, seed):
        sink = kept()
        with chaos_sink(sink, Chaos(late=0.3, delay_us=5), seed) as faulty_sink:
            for time in range(100):
                faulty_sink.send("ticketsim.bus_arrival", key, b'{"event_time":%d}' % time)
        return sink.values

    assert order(b"venue-1", 1) == order(b"venue-1", 1)
    assert len({tuple(order(key, seed)) for key in (b"venue-1", b"venue-2") for seed in (1, 2)}) == 4


def test_one_fault_leaves_the_others_where_they_were(suffered, ran):
    true = set(ran("stable", run_id="x").sent)
    alone, _ = suffered(Chaos(corrupt=0.1), run_id="x")
    together, _ = suffered(parse_chaos("corrupt=0.1,duplicates=0.5,late=0.5:5m"), run_id="x")

    def garbage(sink):
        return [message for message in sink.sent if message not in true]

    assert garbage(alone) == garbage(together) != []


def test_late_messages_come_when_their_delay_has_passed_and_none_is_left_behind(suffered, ran):
    delay_us = 20 * MINUTE_US
    sink, injected = suffered(Chaos(late=0.1, delay_us=delay_us), run_id="x", hours=2)
    times = [m["event_time"] for m in sink.messages]
    end, newest, late = max(times), 0, 0
    for time, next_time in itertools.pairwise([*times, end]):
        if time < newest:
            late += 1
            assert newest <= time + delay_us, "not later than that"
            assert max(newest, next_time) >= min(time + delay_us, end) or next_time < newest, "not sooner than that"
        newest = max(newest, time)

    assert 0.9 * injected.late < late <= injected.late, "those at one moment with their successors look punctual"
    assert Counter(sink.sent) == Counter(ran("stable", run_id="x", hours=2).sent)


def test_receipts_can_be_late_too(suffered):
    sink, injected = suffered(Chaos(late=1.0, delay_us=MINUTE_US), hours=2)

    assert injected.late == len(sink.sent)
    assert {m["event_type"] for m in sink.messages} >= {"hour_closed", "bus_arrival"}


def test_swapped_neighbours_change_places_and_nothing_else(suffered, ran):
    clean = ran("stable", run_id="x").sent
    sink, injected = suffered(Chaos(reorder=0.1), run_id="x")

    place, swaps = 0, 0
    while place < len(clean):
        if sink.sent[place] == clean[place]:
            place += 1
        else:
            assert sink.sent[place : place + 2] == [clean[place + 1], clean[place]]
            swaps += 1
            place += 2
    assert swaps == injected.reorder > 0


def test_about_as_much_goes_wrong_as_was_asked_for(suffered, ran):
    sent = len(ran("stable", hours=3).sent)
    _, injected = suffered(SPEC, hours=3)

    for number in (injected.duplicates, injected.late, injected.reorder, injected.corrupt.total()):
        assert number == pytest.approx(0.05 * sent, rel=0.2)


def test_no_chaos_changes_nothing(suffered, ran):
    sink, injected = suffered("duplicates=0,late=0:1m,corrupt=0,reorder=0")

    assert sink.sent == ran("stable").sent
    assert injected.extra == injected.late == injected.reorder == 0


def test_a_stopped_run_sends_what_was_held_back(plan, kept):
    sink = kept()
    looks = iter(range(1000))
    run = plan("stable", venues=2, hours=100)
    with chaos_sink(sink, parse_chaos("late=0.5:6h,reorder=0.5"), run.seed) as faulty_sink:
        summary = simulate(run, faulty_sink, stopped=lambda: next(looks) > 100)

    assert summary.stopped
    assert summary.total == len(sink.sent) == len(set(sink.sent))


@pytest.mark.slow
def test_the_command_reports_what_was_injected_and_keeps_the_runs_name(tmp_path):
    def run(*options):
        file = tmp_path / "events.jsonl"
        done = subprocess.run(
            [COMMAND, "simulate", "--hours", "1", "--to", f"file:{file}", "--json", *options],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return json.loads(done.stdout), file.read_bytes().splitlines(), done.stderr

    clean, clean_lines, _ = run()
    summary, lines, said = run("--chaos", SPEC)

    assert clean["chaos"] is None
    assert summary["run_id"] == clean["run_id"]
    assert summary["events"] == clean["events"]
    chaos = summary["chaos"]
    assert len(lines) == len(clean_lines) + chaos["duplicates"] + sum(chaos["corrupt"].values())
    assert f"{chaos['late']:,} late" in said
    assert not Counter(clean_lines) - Counter(lines)


@pytest.mark.slow
def test_the_command_refuses_impossible_chaos_in_one_sentence():
    done = subprocess.run(
        [COMMAND, "simulate", "--hours", "1", "--chaos", "late=0.1"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "late=0.1" in done.stderr
    assert "Traceback" not in done.stderr
