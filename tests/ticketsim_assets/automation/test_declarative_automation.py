"""Why hours are not asked for by declarative automation: what it does with a graph like ours, as Dagster is today.

Decision 1 rests on this. If one of these fails after an upgrade, Dagster has changed: read the decision again.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from ticketsim_assets.dagster_internals import DATA_VERSION_TAG, RANGE_END_TAG, RANGE_START_TAG

HOURS = dg.HourlyPartitionsDefinition(start_date="2026-03-01-00:00", end_date="2026-03-02-00:00")
TEN, ELEVEN, TWELVE = (f"2026-03-01-{hour}:00" for hour in (10, 11, 12))
COMPLETE, LOADED = dg.AssetKey(["lake", "complete"]), dg.AssetKey(["raw", "events"])

#: All hours, where Dagster's own asks for the newest alone.
EVERY_HOUR = dg.AutomationCondition.eager().without(dg.AutomationCondition.in_latest_time_window())


class Graph:
    """``lake/complete``, which is reported, and ``raw/events``, which asks for itself; ticks and runs on demand."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.red: set[str] = set()
        self.while_running: Callable[[], object] = lambda: None
        self._cursor: Any = None  # Dagster's own type is not public

        @dg.asset(
            key=LOADED,
            partitions_def=HOURS,
            deps=[COMPLETE],
            backfill_policy=dg.BackfillPolicy.single_run(),
            automation_condition=EVERY_HOUR,
        )
        def loaded(context: dg.AssetExecutionContext) -> None:
            self.while_running()
            if self.red & {*context.partition_keys}:
                raise dg.Failure("an hour is red")

        self._loaded = loaded
        self._defs = dg.Definitions(assets=[dg.AssetSpec(COMPLETE, partitions_def=HOURS), loaded])

    def report(self, fingerprint: int, *hours: str) -> None:
        """Report that ``hours`` are complete at a version of the lake, as the sensor does."""
        tags = {DATA_VERSION_TAG: str(fingerprint)}
        for hour in hours:
            self.instance.report_runless_asset_event(dg.AssetMaterialization(COMPLETE, partition=hour, tags=tags))

    def tick(self, *, after: timedelta = timedelta(0)) -> set[str]:
        """Return the hours that Dagster asks for at a tick."""
        # Dagster runs an event loop for it; in the main thread one of Playwright's runs, once a browser was started.
        with ThreadPoolExecutor(1) as thread:
            result = thread.submit(
                dg.evaluate_automation_conditions,
                self._defs,
                self.instance,
                cursor=self._cursor,
                evaluation_time=datetime.now(UTC) + after,
            ).result()
        self._cursor = result.cursor
        return {*result.get_requested_partitions(LOADED)}

    def run(self, first: str, last: str) -> bool:
        """Load a range in one run, as was asked for; whether it succeeded."""
        tags = {RANGE_START_TAG: first, RANGE_END_TAG: last}
        return dg.materialize([self._loaded], instance=self.instance, tags=tags, raise_on_error=False).success


@pytest.fixture
def graph():
    with dg.DagsterInstance.ephemeral() as instance:
        graph = Graph(instance)
        assert graph.tick() == set()
        yield graph


def test_each_report_asks_for_its_hour_once_and_again_at_a_new_fingerprint(graph):
    graph.report(1, TEN, ELEVEN)
    assert graph.tick() == {TEN, ELEVEN}
    assert graph.run(TEN, ELEVEN)
    assert [graph.tick() for _ in range(3)] == [set()] * 3
    graph.report(2, TEN)
    assert graph.tick() == {TEN}


def test_an_hour_whose_run_failed_is_never_asked_for_again(graph):
    graph.report(1, TEN)
    assert graph.tick() == {TEN}
    graph.red = {TEN}
    assert not graph.run(TEN, TEN)
    graph.red = set()
    assert [graph.tick(after=timedelta(hours=hours)) for hours in (0, 1, 24)] == [set()] * 3


def test_a_range_with_one_red_hour_leaves_its_other_hours_unloaded(graph):
    graph.report(1, TEN, ELEVEN, TWELVE)
    assert graph.tick() == {TEN, ELEVEN, TWELVE}
    graph.red = {ELEVEN}
    assert not graph.run(TEN, TWELVE)
    assert [graph.tick(after=timedelta(hours=hours)) for hours in (0, 1, 24)] == [set()] * 3
    assert graph.instance.get_materialized_partitions(LOADED) == set()


def test_a_version_that_comes_while_its_hour_is_loaded_is_missed(graph):
    graph.report(1, TEN)
    assert graph.tick() == {TEN}
    during = []

    def late_commit() -> None:
        graph.report(2, TEN)  # after the run has read what it loads
        during.append(graph.tick())

    graph.while_running = late_commit
    assert graph.run(TEN, TEN)
    assert during == [set()]
    assert [graph.tick(after=timedelta(hours=hours)) for hours in (0, 1, 24)] == [set()] * 3


def test_a_version_that_comes_before_the_tick_that_sees_its_hour_s_run_end_is_missed(graph):
    graph.report(1, TEN)
    assert graph.tick() == {TEN}
    assert graph.run(TEN, TEN)
    graph.report(2, TEN)
    assert [graph.tick(after=timedelta(hours=hours)) for hours in (0, 1, 24)] == [set()] * 3
    graph.report(3, TEN)
    assert graph.tick() == {TEN}


def test_every_commit_of_a_storm_asks_for_a_run_of_its_own(graph):
    asked = []
    for fingerprint in range(1, 5):
        graph.report(fingerprint, TEN)
        asked.append(graph.tick())
        assert graph.run(TEN, TEN)
        assert graph.tick() == set()
    assert asked == [{TEN}] * 4
