"""Plans against queueing theory, on a venue that is an M/M/c queue: single visitors, exponential times, one line."""

import re
from dataclasses import replace
from math import exp, factorial, inf, log, nan

import numpy as np
import pytest

from simulator.distributions import Exponential, Normal
from simulator.events import HOUR_US
from simulator.exceptions import PlanError, TargetError, TargetUnreachable
from simulator.planning.demand import STAGES, demand_of
from simulator.planning.plot import rows
from simulator.planning.replication import Replication, Waits, observe
from simulator.planning.search import find_plan
from simulator.planning.target import checked_target, spoken
from simulator.planning.trial import Estimate, TrialRunner, estimate
from simulator.planning.workers import Workers
from simulator.scenario import Scenario, load_scenario

MINUTE_US = 60_000_000

#: Visitors a minute at a seller who serves one a minute.
OFFERED = 4


@pytest.fixture
def markov() -> Scenario:
    """M/M/c at the sellers; scanning takes next to nothing."""
    return replace(
        load_scenario("original"),
        name="markov",
        minutes_between_buses=Exponential(1 / OFFERED),
        bus_occupancy=Normal(1, 0),
        group_size=Normal(1, 0),
        box_office_share=1.0,
        sale_minutes=Exponential(1),
        scan_minutes=Normal(0.001, 0),
        one_line=True,
    )


@pytest.fixture
def stable() -> Scenario:
    return load_scenario("stable")


def erlang_wait(servers: int, percent: float) -> float:
    """The percentile of waits in M/M/c, minutes."""
    last = OFFERED**servers / factorial(servers) * servers / (servers - OFFERED)
    waiting = last / (sum(OFFERED**k / factorial(k) for k in range(servers)) + last)
    return max(0.0, log(waiting / (1 - percent / 100)) / (servers - OFFERED))


def observed(scenario: Scenario, hours: float = 2, seed: int = 7, **staffing: int):
    return observe(Replication(replace(scenario, **staffing), seed, 1, round(hours * HOUR_US)))


def waits(minutes, arrived=None) -> Waits:
    waited = np.round(np.asarray(minutes) * MINUTE_US).astype(np.int64)
    spread = np.arange(len(waited)) * MINUTE_US if arrived is None else np.asarray(arrived)
    return Waits(spread, waited, np.ones_like(waited))


def decided(replications, *, wait_s=300.0, settled=True):
    length = MINUTE_US * len(replications[0].waited)
    return estimate(
        replications,
        checked_target(wait_s, 95),
        utilisation=0.7,
        length_us=length,
        slot_us=MINUTE_US,
        settled=settled,
    )


# What is observed


def test_another_staffing_meets_the_same_visitors(stable):
    few, many = observed(stable, sellers=6, scanners=3), observed(stable, sellers=20, scanners=9)
    for stage in ("sellers", "scanners"):
        assert np.array_equal(getattr(few, stage).arrived, getattr(many, stage).arrived)
        assert np.array_equal(getattr(few, stage).visitors, getattr(many, stage).visitors)
        assert getattr(few, stage).waited.sum() > getattr(many, stage).waited.sum()


def test_scanners_change_nothing_at_the_sellers(stable):
    few, many = observed(stable, scanners=3), observed(stable, scanners=9)
    assert np.array_equal(few.sellers.waited, many.sellers.waited)


def test_one_more_seller_at_a_shared_line_lets_nobody_wait_longer(markov):
    before = observed(markov, sellers=5).sellers.waited
    for sellers in (6, 7, 8):
        after = observed(markov, sellers=sellers).sellers.waited
        assert (after <= before).all()
        assert after.sum() < before.sum()
        before = after


def test_one_more_server_at_separate_lines_shortens_the_waits_in_all(stable):
    totals = [observed(stable, sellers=sellers).sellers.waited.sum() for sellers in (7, 8, 9, 10, 12, 16)]
    assert totals == sorted(totals, reverse=True)


def test_every_visitor_is_observed_and_replications_differ(stable):
    first = observe(Replication(stable, 7, 1, HOUR_US))
    second = observe(Replication(stable, 7, 2, HOUR_US))
    assert not np.array_equal(first.scanners.arrived[:100], second.scanners.arrived[:100])
    # Groups that buy at the venue weigh as much as the visitors in them.
    assert 0.3 < first.sellers.visitors.sum() / len(first.scanners.waited) < 0.5
    assert (first.scanners.waited >= 0).all()
    assert first.scanners.arrived.max() < HOUR_US


def test_with_a_scanner_for_every_group_the_waits_are_the_floor(stable):
    demand = demand_of(stable, 7)
    floor = demand.floor(95)
    generous = observed(stable, hours=1, scanners=2000).scanners
    assert 0 < floor.low <= np.quantile(generous.waited, 0.95, method="inverted_cdf") * 1.05
    assert np.quantile(generous.waited, 0.95, method="inverted_cdf") <= floor.high * 1.05


# What is concluded


def test_waits_surely_below_the_target_meet_it_and_surely_above_fail():
    generator = np.random.default_rng(1)
    replications = [waits(generator.uniform(0, 4, 400)) for _ in range(6)]
    assert decided(replications).verdict == "meets"
    failing = decided(replications, wait_s=120)
    assert failing.verdict == "fails"
    assert "more than 2 min" in failing.reason
    assert failing.share is not None
    assert failing.share.low < 0.5 < failing.share.high


def test_an_interval_on_both_sides_of_the_target_decides_nothing():
    found = decided([waits(np.linspace(0, longest, 400)) for longest in (3, 4, 5, 6, 7, 8)])
    assert found.verdict == "undecided"
    assert "around 5 min, after 6 replications" in found.reason


def test_replications_too_short_for_lines_so_busy_never_meet_but_can_fail():
    short = [waits(np.full(400, 1.0)) for _ in range(6)]
    assert decided(short, settled=False).verdict == "undecided"
    assert decided(short, wait_s=30, settled=False).verdict == "fails"


def test_the_warm_up_is_left_out():
    growing = np.concatenate([np.zeros(200), np.full(800, 10.0)])
    generator = np.random.default_rng(2)
    found = decided([waits(growing + generator.uniform(0, 0.5, 1000)) for _ in range(6)])
    assert found.wait is not None
    assert 200 <= found.warm_up_us / MINUTE_US <= 250
    assert found.share is not None
    assert found.share.estimate < 0.01


def test_closer_to_saturation_replications_are_longer(stable):
    demand = demand_of(stable, 7)
    wanted = [demand.wanted_us("sellers", sellers) for sellers in (6, 7, 8, 12)]
    assert wanted == sorted(wanted, reverse=True)
    assert wanted[0] > demand.longest_us  # utilisation 0.996: no replication is long enough
    assert wanted[-1] == demand.shortest_us
    assert demand.wanted_us("sellers", 5) == inf


def test_a_trial_is_bounded_however_many_visitors_a_bus_brings(stable):
    for people in (1, 100, 1000):
        demand = demand_of(replace(stable, bus_occupancy=Normal(people, 0)), 7)
        visitors = demand.longest_us / demand.mean_gap_us * demand.visitors
        assert visitors <= max(480_000, 160 * people)
        assert demand.affordable(demand.longest_us) * visitors <= 12 * 480_000


@pytest.mark.slow
def test_estimates_agree_with_erlang(markov):
    demand = demand_of(markov, 7)
    truth = erlang_wait(6, 95)
    trials = []
    with Workers(1) as workers:
        runner = TrialRunner(demand, checked_target(60 * truth, 95), 7, workers, trials.append)
        found = runner.trial("both", 6, 1).estimates["sellers"]
    assert found.verdict == "undecided"  # the target is the truth itself
    assert found.replications == 48
    assert found.wait is not None
    assert found.wait.low <= truth * MINUTE_US <= found.wait.high
    assert found.wait.high / found.wait.low < 1.2
    assert found.share is not None
    assert found.share.low <= 0.95 <= found.share.high


# What is planned


@pytest.mark.slow
def test_the_plan_is_the_one_that_erlang_gives(markov):
    for minutes in (0.6, 1.5):
        expected = next(c for c in range(OFFERED + 1, 50) if erlang_wait(c, 95) <= minutes)
        plan = find_plan(markov, checked_target(60 * minutes, 95))
        assert (plan.sellers, plan.scanners) == (expected, 1)
        assert not plan.conservative


@pytest.mark.slow
def test_smaller_staffing_is_tried_and_explained(markov):
    plan = find_plan(markov, checked_target(90, 95))
    tried = {trial.sellers: trial.estimates["sellers"] for trial in plan.trials if trial.purpose == "sellers"}
    fewer = tried[plan.sellers - 1]
    assert fewer.verdict == "fails"
    assert fewer.wait is not None
    assert fewer.wait.low > plan.target.wait_us
    assert plan.why_not_less["sellers"] == fewer.reason
    assert plan.why_not_less["scanners"] == "there must be one"
    assert plan.trials[-1].purpose == "both"
    assert plan.trials[-1].meets


@pytest.mark.slow
def test_a_staff_that_cannot_keep_up_is_the_reason_against_less(markov):
    plan = find_plan(markov, checked_target(1200, 95))
    assert plan.sellers == OFFERED + 1
    assert plan.why_not_less["sellers"] == "utilisation 1.000, so the line only grows"


@pytest.mark.slow
def test_a_stricter_target_never_needs_less(markov):
    sellers = [find_plan(markov, checked_target(seconds, 95)).sellers for seconds in (180, 70, 10)]
    assert sellers == sorted(sellers)
    assert find_plan(markov, checked_target(70, 70)).sellers < sellers[1]


def test_without_a_box_office_one_seller_is_enough(markov):
    plan = find_plan(replace(markov, box_office_share=0.0), checked_target(60, 95))
    assert (plan.sellers, plan.scanners) == (1, 1)


@pytest.mark.parametrize(
    ("failing", "scanners", "why_not_less"),
    [([(6, 1)], 1, "there must be one"), ([(6, 1), (7, 1)], 2, "both: 7 and 1")],
    ids=["not needed", "needed"],
)
def test_a_server_that_a_failed_check_adds_stays_only_if_it_is_needed(
    markov, monkeypatch, failing, scanners, why_not_less
):
    """The search finds 6 and 1, where the check fails for both stages, so that each gets one more."""

    def estimates(_, purpose, sellers, scanners):
        enough = (sellers, scanners) not in failing if purpose == "both" else sellers >= 6
        found = Estimate(0.5, "meets" if enough else "fails", "", f"{purpose}: {sellers} and {scanners}")
        return dict.fromkeys(STAGES if purpose == "both" else (purpose,), found)

    monkeypatch.setattr(TrialRunner, "_estimates", estimates)
    plan = find_plan(markov, checked_target(60, 95))
    assert (plan.sellers, plan.scanners) == (7, scanners)
    assert plan.why_not_less == {"sellers": "both: 6 and 1", "scanners": why_not_less}


@pytest.mark.nightly
@pytest.mark.slow
def test_no_smaller_staffing_that_a_plan_has_tried_meets_the_target_on_fresh_visitors():
    plan = find_plan(load_scenario("original"), checked_target(300, 99.9), workers=2)
    assert all("within" not in reason for reason in plan.why_not_less.values())


@pytest.mark.slow
def test_a_plan_does_not_depend_on_the_workers(markov):
    alone, shared = (find_plan(markov, checked_target(90, 95), workers=workers) for workers in (1, 3))
    assert alone == shared


@pytest.mark.slow
def test_the_stable_scenario_has_a_plan(stable):
    plan = find_plan(stable, checked_target(300, 95))
    assert (plan.sellers, plan.scanners) == (11, 3)
    assert plan.trials[-1].meets
    shown = {(row["stage"], row["servers"]): row["verdict"] for row in rows(plan.trials)}
    assert shown["sellers", plan.sellers] == shown["scanners", plan.scanners] == "meets"
    assert shown["sellers", plan.sellers - 1] != "meets"


# What is impossible


@pytest.mark.parametrize("seconds", [0, -5, inf, nan, 1e-300, 0.0009, 1e300, 604_801])
def test_an_invalid_target_wait_is_refused(seconds):
    with pytest.raises(TargetError, match=re.escape(f"Invalid target wait of {seconds:g} s; expected")):
        checked_target(seconds, 95)


@pytest.mark.parametrize("percentile", [0, 100, -1, 101, nan])
def test_an_invalid_percentile_is_refused(percentile):
    with pytest.raises(TargetError, match=f"Invalid percentile of {percentile:g} %; expected"):
        checked_target(300, percentile)


@pytest.mark.parametrize("scenario", ["stable", "markov"])
@pytest.mark.parametrize("percentile", [99.99999999, 99.9999, 1e-300, 1e-9])
def test_a_percentile_that_no_replication_carries_is_refused_with_those_that_are(scenario, percentile, request):
    venue = request.getfixturevalue(scenario)
    with pytest.raises(TargetError, match=re.escape(f"Invalid percentile of {percentile:.16g} %: it needs")) as refused:
        find_plan(venue, checked_target(300, percentile))

    least, most = map(float, re.findall(r"expected ([0-9.]+) to ([0-9.]+)\.$", str(refused.value))[0])
    assert 0 < least < 1
    assert 99 < most < 100
    for carried in (least, most):
        demand = demand_of(venue, 7, carried)
        assert demand.shortest_us == pytest.approx(demand.longest_us, rel=0.2)


def test_a_higher_percentile_is_estimated_from_longer_replications(stable):
    lengths = [demand_of(stable, 7, percentile).shortest_us for percentile in (50, 95, 99, 99.9, 99.99)]
    assert lengths[0] == lengths[1] == lengths[2] < lengths[3] < lengths[4]
    beyond = lengths[3] / demand_of(stable, 7).mean_gap_us * 100 * 0.4 * 0.8 * 0.001  # who buy there, after the warm-up
    assert beyond == pytest.approx(10, rel=0.05)


def test_more_visitors_on_a_bus_than_can_be_simulated_are_refused_at_once(stable):
    with pytest.raises(PlanError, match=r"stable cannot be planned: bus_occupancy.mean = 4000 .* 640,000 visitors"):
        find_plan(replace(stable, bus_occupancy=Normal(4000, 0)), checked_target(300, 95))


def test_more_staff_than_can_be_simulated_is_refused_at_once(stable):
    with pytest.raises(TargetUnreachable, match=r"it takes [0-9,]{6,} sellers .* at most 10,000 can be simulated"):
        find_plan(replace(stable, sale_minutes=Exponential(10_000)), checked_target(300, 95))


def test_a_wait_below_what_a_group_needs_is_refused_with_that_floor(stable):
    floor = demand_of(stable, 7).floor(95).estimate
    with pytest.raises(TargetUnreachable, match=f"at most 1 s is impossible .* {spoken(floor)}"):
        find_plan(stable, checked_target(1, 95))


def test_a_shared_line_has_no_such_floor(stable):
    assert demand_of(replace(stable, one_line=True), 7).floor(95).high == 0


def test_a_bound_below_what_keeps_up_is_refused_before_anything_is_simulated(markov):
    with pytest.raises(TargetUnreachable, match=r"at most 4 sellers: it takes 5 .*--max-sellers"):
        find_plan(markov, checked_target(60, 95), max_sellers=4)


def test_a_bound_below_the_answer_is_named_with_what_it_gives(markov):
    trials = []
    with pytest.raises(TargetUnreachable, match=r"5 sellers .* more than 60 s. Raise --max-sellers"):
        find_plan(markov, checked_target(60, 95), max_sellers=5, on_trial=trials.append)
    assert [trial.sellers for trial in trials] == [5]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [({"max_sellers": 0}, "max-sellers 0"), ({"max_scanners": -2}, "max-scanners -2"), ({"seed": -1}, "seed -1"),
     ({"workers": 0}, "0 workers"), ({"workers": 10**9}, "1000000000 workers; expected 1 to 128"),
     ({"max_sellers": 10**9}, "max-sellers 1000000000; expected 1 to 10,000"),
     ({"seed": 10**5000}, "thousands of digits")],
)  # fmt: skip
def test_impossible_settings_are_refused_by_name_and_value(markov, wrong, named):
    with pytest.raises(PlanError, match=named):
        find_plan(markov, checked_target(60, 95), **wrong)


def test_erlang_as_used_here_is_right():
    # M/M/1 at half load would wait with probability 1/2; here: C(5, 4) = 0.5541.
    assert exp(-erlang_wait(5, 95)) == pytest.approx(0.05 / 0.5541, rel=1e-3)
