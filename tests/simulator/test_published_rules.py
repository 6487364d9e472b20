"""How our model differs from the published program, and by how much: the table of docs/simulation.md, made again."""

import re
from pathlib import Path

import pytest

from simulator.events import HOUR_US
from simulator.planning.replication import Replication, observe
from simulator.planning.statistics import Interval, mean_interval
from simulator.scenario import load_scenario

from .published_rules import RULES, mean_minutes, mean_until_the_groups_turn, observe_published

DOCS = Path(__file__).parents[2] / "docs" / "simulation.md"

TABLE = re.compile(r"^\| .+ \| `(.+)` \| (\S+) \[(\S+), (\S+)\] \| (\S+) \[(\S+), (\S+)\] \|$", re.MULTILINE)

STAGES = ("sellers", "scanners")


def replications(count: int, hours: float) -> list[Replication]:
    venue = load_scenario("ten-sellers-five-scanners")
    return [Replication(venue, 7, number, round(hours * HOUR_US)) for number in range(1, count + 1)]


def stated() -> dict[str, dict[str, Interval]]:
    """What the docs say of each rule: published minus ours, minutes."""
    found = {}
    for name, *numbers in TABLE.findall(DOCS.read_text("utf-8")):
        at_sellers, at_scanners = numbers[:3], numbers[3:]
        found[name] = {
            stage: Interval(*map(float, values))
            for stage, values in zip(STAGES, (at_sellers, at_scanners), strict=True)
        }
    return found


def differences(rules: tuple[str, ...], asked: list[Replication]) -> dict[str, Interval]:
    ours, theirs = [observe(each) for each in asked], [observe_published(each, rules) for each in asked]
    return {
        stage: mean_interval(
            [
                mean_minutes(getattr(they, stage)) - mean_minutes(getattr(we, stage))
                for they, we in zip(theirs, ours, strict=True)
            ]
        )
        for stage in STAGES
    }


def overlap(one: Interval, other: Interval) -> bool:
    # The docs round to thousandths.
    return one.low <= other.high + 0.0005 and other.low <= one.high + 0.0005


def test_without_any_of_its_rules_the_altered_engine_is_ours():
    assert differences((), replications(2, 0.5)) == {stage: Interval(0, 0, 0) for stage in STAGES}


def test_every_rule_is_in_the_table_of_the_docs():
    assert set(stated()) == {*RULES, "group's turn", "all but the last"}


@pytest.mark.slow
@pytest.mark.parametrize("rule", [*RULES, "all but the last"])
def test_a_published_rule_changes_the_waits_by_what_the_docs_say(rule):
    found = differences(RULES if rule == "all but the last" else (rule,), replications(6, 5))
    assert all(overlap(found[stage], stated()[rule][stage]) for stage in STAGES), found


def test_a_wait_that_ends_for_the_whole_group_at_once_is_shorter_by_what_the_docs_say():
    asked = replications(6, 5)
    shorter = [mean_until_the_groups_turn(each) - mean_minutes(observe(each).scanners) for each in asked]
    assert overlap(mean_interval(shorter), stated()["group's turn"]["scanners"])


@pytest.mark.nightly
@pytest.mark.parametrize("rule", [*RULES, "all but the last"])
def test_the_table_of_the_docs_is_made_again(rule):
    found = differences(RULES if rule == "all but the last" else (rule,), replications(40, 10))
    for stage in STAGES:
        expected = stated()[rule][stage]
        assert [round(each, 3) for each in (found[stage].estimate, found[stage].low, found[stage].high)] == [
            *(expected.estimate, expected.low, expected.high),
        ]
