"""Plans against queueing theory, on a venue that is an M/M/c queue: single visitors, exponential times, one line."""

import re
from collections.abc import Set
from dataclasses import replace
from math import exp, inf, nan

import numpy as np
import pytest

from simulator.distributions import Exponential, Normal
from simulator.events import HOUR_US
from simulator.exceptions import PlanError, TargetError, TargetUnreachable
from simulator.planning.demand import demand_of
from simulator.planning.plot import rows
from simulator.planning.replication import Replication, Waits, observe
from simulator.planning.search import find_plan
from simulator.planning.statistics import percentile
from simulator.planning.target import checked_target, spoken
from simulator.planning.trial import Estimate, TrialRunner, estimate
from simulator.planning.workers import Workers
from simulator.scenario import Scenario, load_scenario
from simulator.utilisation import utilisation

from .queueing_theory import erlang_percentile
from .single_visitors import OFFERED

MINUTE_US = 60_000_000


@pytest.fixture
def stable() -> Scenario:
    return load_scenario("stable")


def observed(scenario: Scenario, hours: float = 2, seed: int = 7, **staffing: int):
    return observe(Replication(replace(scenario, **staffing), seed, 1, round(hours * HOUR_US)))


def waits(minutes, arrived=None) -> Waits:
    waited = np.round(np.asarray(minutes) * MINUTE_US).astype(np.int64)
    spread = np.arange(len(waited)) * MINUTE_US if arrived is None else np.asarray(arrived)
    return Waits(spread, waited, np.ones_like(waited))


def decided(replications, *, wait_s=300.0, settles=True):
    length = MINUTE_US * len(replications[0].waited)
    return estimate(
        replications,
        checked_target(wait_s, 95),
        utilisation=0.7,
        length_us=length,
        slot_us=MINUTE_US,
        settles=settles,
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
    assert (found.verdict, found.close) == ("undecided", False)
    assert "around 5 min, after 6 replications" in found.reason


def test_replications_too_short_for_lines_so_busy_never_meet_but_can_fail():
    short = [waits(np.full(400, 1.0)) for _ in range(6)]
    assert decided(short, settles=False).verdict == "undecided"
    assert decided(short, wait_s=30, settles=False).verdict == "fails"


@pytest.mark.parametrize(
    ("minutes", "verdict", "close"),
    [(3.98, "fails", False), (3.997, "fails", True), (4.003, "meets", True), (4.02, "meets", False)],
)
def test_within_the_precision_either_verdict_is_right_and_is_said_to_be_close(minutes, verdict, close):
    """The percentile is 4 minutes, and the interval a third of a second to each side."""
    evenly = np.arange(2001) * 773 % 2001 / 2000 / 0.95
    found = decided([waits(evenly * each) for each in 4 + np.linspace(-0.02, 0.02, 24)], wait_s=60 * minutes)
    assert found.wait is not None
    assert 0.2e6 < found.wait.high - found.wait.estimate < 0.4e6
    assert (found.verdict, found.close) == (verdict, close)


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
        assert demand.affordable(demand.longest_us) * visitors <= 24 * 480_000


@pytest.mark.slow
def test_estimates_agree_with_erlang(markov):
    truth = erlang_percentile(6, 95, OFFERED)
    with Workers(1) as workers:
        runner = TrialRunner(demand_of(markov, 7), checked_target(60 * truth, 95), 7, workers, lambda _: None)
        found = runner.trial("sellers", 6, None).estimate
    assert found.close  # the target is the truth itself
    assert found.wait is not None
    assert found.wait.low <= truth * MINUTE_US <= found.wait.high
    assert found.wait.high / found.wait.low < 1.2
    assert found.share is not None
    assert found.share.low <= 0.95 <= found.share.high


# What is planned


@pytest.mark.slow
def test_the_plan_is_the_one_that_erlang_gives(markov):
    for minutes in (0.6, 1.5):
        expected = next(c for c in range(OFFERED + 1, 50) if erlang_percentile(c, 95, OFFERED) <= minutes)
        plan = find_plan(markov, checked_target(60 * minutes, 95))
        assert (plan.sellers, plan.scanners) == (expected, 1)
        assert not plan.conservative


@pytest.mark.slow
def test_smaller_staffing_is_tried_and_explained(markov):
    plan = find_plan(markov, checked_target(90, 95))
    fewer = next(t for t in plan.trials if (t.stage, t.sellers) == ("sellers", plan.sellers - 1)).estimate
    assert fewer.verdict == "fails"
    assert fewer.wait is not None
    assert fewer.wait.low > plan.target.wait_us
    assert plan.why_not_less == {"sellers": fewer.reason, "scanners": "there must be one"}
    assert plan.either == {"sellers": (6,), "scanners": (1,)}


@pytest.mark.slow
def test_what_one_server_less_costs_is_a_paired_difference(markov):
    """Differences between the same visitors' waits have a shorter interval than the waits, and hold Erlang's."""
    plan = find_plan(markov, checked_target(90, 95))
    longer, wait = plan.longer["sellers"], plan.trials[-1].estimate.wait
    assert longer is not None
    assert wait is not None
    assert plan.longer["scanners"] is None
    truth = MINUTE_US * (erlang_percentile(5, 95, OFFERED) - erlang_percentile(6, 95, OFFERED))
    assert longer.low <= truth <= longer.high
    fewer = next(t.estimate for t in plan.trials if (t.stage, t.sellers) == ("sellers", 5))
    assert fewer.wait is not None
    assert longer.high - longer.low < fewer.wait.high - fewer.wait.low


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


def staged(monkeypatch, needed: dict[str, int], close: Set[tuple[str, int]] = frozenset()) -> None:
    """Let every trial end as if each stage needed so many servers."""

    def estimate_of(_, stage, sellers, scanners):
        servers = sellers if stage == "sellers" else scanners
        enough = servers >= needed[stage]
        close_call = (stage, servers) in close
        return Estimate(0.5, "meets" if enough else "fails", "", f"{servers} {stage}", close=close_call)

    monkeypatch.setattr(TrialRunner, "_estimate", estimate_of)
    monkeypatch.setattr(TrialRunner, "longer", lambda *_: None)


@pytest.mark.parametrize("sellers", [5, 6, 7, 8, 11, 12, 13, 19, 24])
@pytest.mark.parametrize("scanners", [1, 2, 3, 9])
def test_no_staffing_that_a_plan_has_found_enough_is_smaller_than_its_answer(markov, monkeypatch, sellers, scanners):
    staged(monkeypatch, {"sellers": sellers, "scanners": scanners})
    plan = find_plan(markov, checked_target(60, 95))
    assert (plan.sellers, plan.scanners) == (sellers, scanners)
    for trial in plan.trials:
        answer = plan.sellers if trial.stage == "sellers" else plan.scanners
        assert trial.servers >= answer if trial.estimate.verdict == "meets" else trial.servers < answer
    least = 1 if scanners == 1 else scanners - 1
    assert {trial.servers for trial in plan.trials if trial.stage == "sellers"} >= {sellers - 1, sellers}
    assert {trial.servers for trial in plan.trials if trial.stage == "scanners"} >= {least, scanners}


@pytest.mark.parametrize(
    ("close", "either"),
    [(set(), (7,)), ({("sellers", 6)}, (6, 7)), ({("sellers", 7)}, (7, 8)),
     ({("sellers", 6), ("sellers", 7)}, (6, 7, 8))],
    ids=["none", "one less", "the answer", "both"],
)  # fmt: skip
def test_a_close_trial_makes_the_answer_one_or_the_other(markov, monkeypatch, close, either):
    staged(monkeypatch, {"sellers": 7, "scanners": 2}, close)
    plan = find_plan(markov, checked_target(60, 95))
    assert plan.either == {"sellers": either, "scanners": (2,)}


@pytest.mark.nightly
@pytest.mark.slow
def test_original_has_the_same_plan_for_nineteen_seeds_of_twenty():
    plans = [find_plan(load_scenario("original"), checked_target(300, 95), seed=seed, workers=2) for seed in range(20)]
    assert sum(plan.either["sellers"] in {(11,), (11, 12)} for plan in plans) >= 19
    assert sum(plan.scanners == 3 for plan in plans) >= 19


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "percentile"), [(300, 99.9), (1800, 95)])
def test_no_plan_is_contradicted_by_what_it_has_tried(seconds, percentile):
    plan = find_plan(load_scenario("original"), checked_target(seconds, percentile), workers=2)
    assert all(" within " not in reason for reason in plan.why_not_less.values())
    for trial in plan.trials:
        answer = plan.sellers if trial.stage == "sellers" else plan.scanners
        assert (trial.servers >= answer) == (trial.estimate.verdict == "meets")


@pytest.mark.slow
def test_seven_sellers_of_original_serve_almost_everyone_in_half_an_hour():
    """Their percentile is 28.0 min [27.5 min, 28.5 min], known from months of simulated time."""
    with Workers(1) as workers:
        demand = demand_of(load_scenario("original"), 7)
        runner = TrialRunner(demand, checked_target(1800, 95), 7, workers, lambda _: None)
        assert runner.trial("sellers", 7, None).estimate.verdict == "meets"


@pytest.mark.slow
def test_a_plan_does_not_depend_on_the_workers(markov):
    alone, shared = (find_plan(markov, checked_target(90, 95), workers=workers) for workers in (1, 3))
    assert alone == shared


@pytest.mark.slow
def test_the_stable_scenario_has_a_plan(stable):
    plan = find_plan(stable, checked_target(300, 95))
    # Eleven sellers let 95 % wait at most 4.95 minutes: twelve are as right, within the precision.
    assert plan.either == {"sellers": (11, 12), "scanners": (3,)}
    shown = {(row["stage"], row["servers"]): row["verdict"] for row in rows(plan.trials)}
    assert shown["sellers", plan.sellers] == shown["scanners", plan.scanners] == "meets"
    assert shown["sellers", plan.sellers - 1] != "meets"


def test_erlangs_formula_finds_too_few_sellers_for_visitors_who_come_by_bus():
    original = load_scenario("original")
    offered = utilisation(replace(original, sellers=1)).sellers
    sellers = next(c for c in range(6, 50) if erlang_percentile(c, 95, offered) <= 5)
    assert sellers == 7
    assert percentile(observed(original, hours=8, sellers=sellers).sellers.sample, 95) > 10 * MINUTE_US


# What is impossible


@pytest.mark.parametrize("seconds", [0, -5, inf, nan, 1e-300, 0.0009, 1e300, 604_801])
def test_an_invalid_target_wait_is_refused(seconds):
    with pytest.raises(TargetError, match=re.escape(f"Invalid target wait of {seconds:g} s; expected")):
        checked_target(seconds, 95)


@pytest.mark.parametrize("percentile", [0, 100, -1, 101, nan])
def test_an_invalid_percentile_is_refused(percentile):
    with pytest.raises(TargetError, match=f"Invalid percentile of {percentile:g} %; expected"):
        checked_target(300, percentile)


@pytest.mark.parametrize("precision", [0, -1, 0.01, 51, nan, inf])
def test_an_invalid_precision_is_refused(precision):
    with pytest.raises(TargetError, match=f"Invalid precision of {precision:g} %; expected 0.1 to 50 percent"):
        checked_target(300, 95, precision)


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
    assert exp(-erlang_percentile(5, 95, OFFERED)) == pytest.approx(0.05 / 0.5541, rel=1e-3)
