"""The engines send the same messages, in the same order, to the byte."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.chaos import chaos_sink, parse_chaos
from simulator.distributions import Exponential, Normal
from simulator.fast import engine as fast
from simulator.run import plan_run, simulate
from simulator.scenario import built_in_names, load_scenario

from ..conftest import START, Kept

CHAOS = parse_chaos("duplicates=0.02,late=0.02:20m,corrupt=0.02,reorder=0.02")

SOME = settings(
    max_examples=40,
    deadline=timedelta(seconds=60),  # the first example waits for the compiler
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
MANY = settings(SOME, max_examples=200, derandomize=False)


def differences(run, chaos=None):
    """What the engines' messages and summaries of a run differ in."""
    found = {}
    for engine in ("simpy", "fast"):
        kept = Kept()
        if chaos is None:
            summary = simulate(run, kept, engine=engine)
            injected = None
        else:
            with chaos_sink(kept, chaos, run.seed) as faulty:
                summary = simulate(run, faulty, engine=engine)
            injected = faulty.injected
        found[engine] = kept.sent, replace(summary, seconds=0.0), injected
    (expected, *expected_rest), (sent, *rest) = found["simpy"], found["fast"]
    if expected_rest != rest:
        return expected_rest, rest
    if expected != sent:
        return next(
            (pair for pair in zip(expected, sent, strict=False) if pair[0] != pair[1]), (len(expected), len(sent))
        )
    return None


@pytest.fixture(autouse=True)
def in_small_steps(monkeypatch):
    """Visitors are drawn ahead, and messages made, in such small numbers that every run has many of such steps."""
    monkeypatch.setattr(fast, "_VISITORS_AHEAD", 150)
    monkeypatch.setattr(fast, "_MESSAGES", 70)


@pytest.mark.parametrize("drain", [True, False])
@pytest.mark.parametrize("scenario", built_in_names())
def test_every_built_in_scenario_is_the_same(plan, scenario, drain):
    start = START + timedelta(hours=16.5)
    assert differences(plan(scenario, hours=1.7, venues=3, drain=drain, start=start)) is None


def test_so_is_what_chance_does_not_decide_and_comes_at_the_same_time(plan, clockwork):
    for one_line in (False, True):
        for scanners in (1, 3):
            scenario = replace(clockwork, one_line=one_line, scanners=scanners)
            assert differences(plan(scenario, hours=5, venues=2, bus_occupancy=Normal(9, 0))) is None


def test_so_are_the_faults(plan):
    assert differences(plan("original", hours=0.5, venues=2), CHAOS) is None


def test_the_size_of_the_steps_makes_no_difference(plan, monkeypatch):
    run = plan("original", venues=2)
    sent = []
    for ahead, messages in ((1, 1), (10**6, 10**4)):
        monkeypatch.setattr(fast, "_VISITORS_AHEAD", ahead)
        monkeypatch.setattr(fast, "_MESSAGES", messages)
        kept = Kept()
        simulate(run, kept, engine="fast")
        sent.append(kept.sent)

    assert sent[0] == sent[1]


@pytest.mark.parametrize("after", [1, 40])
def test_a_stopped_run_is_the_beginning_of_the_whole_and_ends_with_its_hour(plan, after):
    run = plan("stable", hours=3, venues=2)
    whole, kept = Kept(), Kept()
    looks = iter(range(after))
    simulate(run, whole)
    summary = simulate(run, kept, engine="fast", stopped=lambda: next(looks, None) is None)

    assert summary.stopped
    assert summary.whole_hours
    assert len(kept.sent) < len(whole.sent)
    assert kept.sent == whole.sent[: len(kept.sent)]
    assert kept.messages[-1]["event_type"] == "hour_closed"
    assert summary.total == len(kept.sent)


def test_progress_counts_what_was_sent_and_reaches_the_end(plan):
    reports = []
    summary = simulate(plan("stable"), Kept(), reports.append, engine="fast")

    assert reports[-1].events == summary.total
    assert reports[-1].fraction == 1


#: Minutes that add up to each other, so that much happens at the same microsecond.
CONSTANT = st.sampled_from([0.5, 1, 2, 3]).map(lambda minutes: Normal(minutes, 0))
DURATIONS = st.one_of(
    CONSTANT,
    st.floats(0.01, 4).map(Exponential),
    st.builds(Normal, st.floats(0.05, 4), st.floats(0, 2)),
)
PEOPLE = st.one_of(
    st.integers(1, 12).map(lambda people: Normal(people, 0)),
    st.builds(Normal, st.floats(1, 20), st.floats(0, 4)),
    st.floats(1, 6).map(Exponential),
)
DAYS = st.one_of(
    st.just(()), st.lists(st.sampled_from([0.0, 0.3, 1.0]), min_size=24, max_size=24).map(tuple).filter(any)
)


@st.composite
def scenarios(draw):
    parameters = {
        "minutes_between_buses": draw(DURATIONS),
        "bus_occupancy": draw(PEOPLE),
        "group_size": draw(PEOPLE),
        "box_office_share": draw(st.sampled_from([0.0, 0.4, 1.0])),
        "ticket_price_cents": draw(st.sampled_from([0, 3500, 10**9])),
        "walk_to_sellers_minutes": draw(DURATIONS),
        "walk_to_scanners_minutes": draw(DURATIONS),
        "sellers": draw(st.integers(1, 12)),
        "sale_minutes": draw(DURATIONS),
        "scanners": draw(st.integers(1, 5)),
        "scan_minutes": draw(DURATIONS),
        "one_line": draw(st.booleans()),
    }
    if isinstance(parameters["minutes_between_buses"], Exponential):
        parameters["bus_rate_by_hour"] = draw(DAYS)
    return replace(load_scenario("original"), name="random", **parameters)


@st.composite
def runs(draw):
    kinds = draw(st.lists(scenarios(), min_size=1, max_size=3))
    scenario = kinds[0] if len(kinds) == 1 else replace(kinds[0], venue_kinds=tuple(kinds))
    return plan_run(
        scenario,
        start=START + timedelta(minutes=draw(st.sampled_from([0, 17, 59.99]))),
        hours=draw(st.sampled_from([0.02, 0.7, 1.0, 2.0])),
        venues=draw(st.integers(1, 4)),
        drain=draw(st.booleans()),
        seed=draw(st.integers(0, 2**64 - 1)),
        run_id=draw(st.sampled_from([None, "r", "1234567890120-1234567890121.", "x" * 100])),
    )


@SOME
@given(runs())
def test_so_are_random_scenarios(run):
    assert differences(run) is None


@pytest.mark.nightly
@MANY
@given(runs(), st.booleans())
def test_so_are_many_random_scenarios(run, faulty):
    assert differences(run, CHAOS if faulty else None) is None
