"""The same lake in both warehouses, built by the same dbt project: every row of every mart is the same."""

import re
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulator.run import plan_run, simulate
from simulator.scenario import Scenario, load_scenario
from streaming.hour import Hour
from streaming.lake.forgotten_runs import ForgottenRuns
from streaming.lake.reader import Lake
from ticketsim_assets.assets.dbt_models import window_arguments
from ticketsim_assets.checks.reconciliation import find_view, read_reconciliation
from ticketsim_assets.checks.stations import compare_stations
from ticketsim_assets.dashboard.data import marts_of
from ticketsim_assets.warehouse.bigquery_warehouse import BigQueryWarehouse
from ticketsim_assets.warehouse.duckdb_warehouse import DuckDBWarehouse
from ticketsim_assets.warehouse.event_rows import (
    EventKey,
    reconciliation_of,
    rows_of_event,
    rows_of_hour,
    wrong_in_hour,
)
from ticketsim_assets.warehouse.mart_figures import read_mart_figures
from ticketsim_assets.warehouse.protocol import Reader
from ticketsim_assets.warehouse.wait_policy import NO_WAIT

from ..dbt.conftest import BINS, BUILD, DIMENSIONS, HOURLY_MARTS, ONE_MORE, VIEWS, Dbt, run_all
from ..ticketsim_assets.conftest import BucketLakeMaker, Recorder
from .gcs_emulator import GcsBucket
from .partition_filters import unfiltered

pytestmark = pytest.mark.slow

START = datetime(2026, 3, 1, 22, tzinfo=UTC)

#: With it, 33 visitors who came before midnight are admitted after it.
SEED = 2

WHOSE = ("run_id", "venue_id")

#: Rows of the second hour that come after everything else was built.
LATE = "event_type=walk_to_"


def busy_at_night(scenario: Scenario) -> Scenario:
    kinds = tuple(replace(kind, bus_rate_by_hour=(0.3,) * 24) for kind in scenario.venue_kinds)
    return replace(scenario, venue_kinds=kinds)


def window(first: Hour, last: Hour) -> list[str]:
    import dagster as dg

    return window_arguments(dg.TimeWindow(first.start, last.end))


def files_of(lake: Lake) -> dict[Hour, list[str]]:
    snapshot = lake.snapshot()
    return {hour: [snapshot.uri(file) for file in snapshot.files(hour)] for hour in snapshot.hours()}


class Engine(Dbt):
    """A warehouse, the lake's files as it reads them, and dbt on it."""

    def __init__(
        self,
        warehouse: DuckDBWarehouse | BigQueryWarehouse,
        files: dict[Hour, list[str]],
        target_path: Path,
        environment: dict[str, str],
    ) -> None:
        super().__init__(target_path, environment)
        self.warehouse = warehouse
        self.files = files

    @property
    def hours(self) -> list[Hour]:
        return sorted(self.files)

    def run(self, *commands: Sequence[str]) -> None:
        outcomes, red, printed = run_all((self, command) for command in commands)
        assert all(outcomes), (red, printed[-5000:])

    def load_but_what_is_late(self) -> dict[Hour, int]:
        late = self.hours[1]
        there = {
            hour: [path for path in paths if hour != late or LATE not in path] for hour, paths in self.files.items()
        }
        return self.warehouse.replace_hours("events", there)

    def load_again(self, hour: Hour) -> dict[Hour, int]:
        return self.warehouse.replace_hours("events", {hour: self.files[hour]})

    def incomplete_journeys(self) -> dict[datetime, int]:
        journeys = rows(self.warehouse, "fct_visitor_journeys")
        return Counter(journey["hour_start"] for journey in journeys if not journey["is_complete"])


@dataclass
class Both:
    """The two engines, and how many journeys each knew in part only before the late rows came."""

    laptop: Engine
    cloud: Engine
    in_part: list[dict[datetime, int]]
    lake: Lake

    def __iter__(self):
        return iter((self.laptop.warehouse, self.cloud.warehouse))


@pytest.fixture(scope="module")
def both(tmp_path_factory, gcs_emulator, bigquery_emulator):
    """Both warehouses with the festival's three kinds of venues around midnight; of the second hour, rows came late."""
    folder = tmp_path_factory.mktemp("both")
    sink = Recorder()
    festival = busy_at_night(load_scenario("festival"))
    simulate(plan_run(festival, seed=SEED, start=START, hours=2.2, venues=3, run_id="both"), sink)
    bucket = GcsBucket(gcs_emulator, "same-figures")
    gcs_emulator.client().create_bucket(bucket.name)
    maker = BucketLakeMaker(folder / "lake", bucket=bucket)
    maker.append([*sink.messages, *sink.messages[5:60]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", gcs_emulator.endpoint)
        patch.setenv("BIGQUERY_EMULATOR_HOST", bigquery_emulator.endpoint)
        file = DuckDBWarehouse(folder / "warehouse.duckdb", folder / "readers.db", NO_WAIT)
        of_duckdb = {"TICKETSIM_DBT_TARGET": "duckdb", "TICKETSIM_WAREHOUSE_PATH": str(file.path)}
        laptop = Engine(file, files_of(Lake(str(folder / "lake"))), folder / "laptop", of_duckdb)
        datasets = BigQueryWarehouse(bigquery_emulator.datasets("same_"), NO_WAIT)
        cloud = Engine(datasets, files_of(maker.lake), folder / "cloud", bigquery_emulator.settings("same_"))

        first, late, *_, last = laptop.hours
        assert cloud.load_but_what_is_late() == laptop.load_but_what_is_late()
        hour_by_hour = [["run", *window(first, first)], ["run", *window(late, last)]]
        for engine in (laptop, cloud):
            engine.run(*hour_by_hour)
        in_part = [engine.incomplete_journeys() for engine in (laptop, cloud)]

        assert cloud.load_again(late) == laptop.load_again(late)
        for engine in (laptop, cloud):
            engine.run([*BUILD, *window(late, late)])
        yield Both(laptop, cloud, in_part, Lake(str(folder / "lake")))


def rows(warehouse, mart: str) -> list[dict]:
    with warehouse.reading() as reader:
        dated = "" if mart.startswith("dim_") else " where event_date > date '2000-01-01'"
        found = reader.execute(f"select * from {reader.named(f'marts.{mart}')}{dated}")
        names = [column[0] for column in found.description]
        told = [dict(zip(names, map(plain, row), strict=True)) for row in found.fetchall()]
    return sorted(told, key=repr)


def plain(value):
    """Return the value without its time zone: BigQuery's times have UTC, DuckDB's have none."""
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


@pytest.mark.parametrize("mart", [*HOURLY_MARTS, *DIMENSIONS, *VIEWS, BINS])
def test_every_row_of_a_mart_is_the_same_on_both_engines(both, mart):
    laptop, cloud = (rows(warehouse, mart) for warehouse in both)
    assert laptop
    assert cloud == laptop


def test_receipts_and_the_page_are_the_same_on_both_engines_and_all_is_proved(both):
    found = []
    for warehouse in both:
        with warehouse.reading() as reader:
            found.append((read_reconciliation(reader), marts_of(reader)))
    assert found[0] == found[1]
    assert found[0][0].state == "proved"
    assert len({day.venue_id for day in found[0][1].replay}) == 3


def test_a_range_is_reconciled_alike_on_both_engines(both):
    first, late, *_, last = both.laptop.hours
    for since, until in ((late.start, late.end), (None, late.start), (last.start, None)):
        found = []
        for warehouse in both:
            with warehouse.reading() as reader:
                found.append(read_reconciliation(reader, since, until))
        assert found[0] == found[1]
        assert sum(venue.hours for venue in found[0].venues) > 0
    assert first.end == late.start


def test_the_stations_and_the_rows_of_an_event_are_the_same_on_both_engines(both):
    sale = rows(both.laptop.warehouse, "fct_ticket_sales")[0]
    hour = Hour(sale["hour_start"].replace(tzinfo=UTC))
    key = EventKey(sale["run_id"], sale["venue_id"], sale["event_id"], hour)
    found = []
    for warehouse in both:
        with warehouse.reading() as reader:
            figures = read_mart_figures(reader).problems
            found.append(
                (
                    compare_stations(reader, both.lake.snapshot(), ForgottenRuns(), figures),
                    rows_of_event(reader, "raw.events", key),
                    rows_of_event(reader, "marts.fct_ticket_sales", key),
                    rows_of_hour(reader, "marts.agg_line_hourly", key, {"event_date", "hour_start", *WHOSE}),
                    rows_of_hour(reader, "marts.dim_venues", key, {*WHOSE}),
                    reconciliation_of(reader, find_view(reader), key, "buy_tickets"),
                    wrong_in_hour(reader, find_view(reader), key),
                )
            )
    assert found[0] == found[1]
    compared, raw, of_fact, lines, venues, reconciled, wrong = found[0]
    assert compared.differing == ()
    assert compared.totals["marts"] == compared.totals["counted_by_marts"] > 0
    assert (len(raw), len(of_fact), lines > 0, venues, reconciled["state"], wrong) == (1, 1, True, 1, "proved", 0)


def test_rows_that_came_late_complete_the_journeys_of_their_hour_and_of_the_next_on_both_engines(both):
    laptop, cloud = both.in_part
    _, late, after, *_ = both.laptop.hours
    assert cloud == laptop
    assert {hour.replace(tzinfo=UTC) for hour in laptop} == {late.start, after.start}
    assert both.laptop.incomplete_journeys() == both.cloud.incomplete_journeys() == {}


def test_facts_are_partitioned_by_day_clustered_labelled_and_refuse_a_query_of_all_days(both):
    cloud = both.cloud.warehouse
    for mart in HOURLY_MARTS:
        table = cloud.client.get_table(cloud.datasets.table(f"marts.{mart}"))
        assert (table.time_partitioning.type_, table.time_partitioning.field) == ("DAY", "event_date")
        assert table.clustering_fields == ["hour_start", "run_id", "venue_id"]
        assert table.labels == {"application": "ticketsim"}
        assert bool(table.require_partition_filter) == mart.startswith("fct_")


def test_every_statement_that_reads_a_partitioned_table_filters_by_its_column_as_bigquery_documents_it(both):
    client, datasets = both.cloud.warehouse.client, both.cloud.warehouse.datasets
    asked = [job.query for job in client.list_jobs() if job.job_type == "query" and datasets.prefix in job.query]
    tables = ["events", *(mart for mart in HOURLY_MARTS if mart.startswith("fct_"))]
    assert sum("fct_visitor_journeys" in query for query in asked) > 3
    assert [found for query in asked for found in unfiltered(query, tables, "event_date")] == []


def test_an_hour_that_was_built_twice_stands_there_once(both):
    cloud = both.cloud.warehouse
    ids = [row["event_id"] for row in rows(cloud, "fct_visitor_journeys")]
    assert len(ids) == len(set(ids)) > 0


def test_each_wrong_figure_in_bigquery_turns_exactly_the_test_red_that_states_its_identity(both):
    client, datasets = both.cloud.warehouse.client, both.cloud.warehouse.datasets
    late = both.cloud.hours[1]

    def add(change: int) -> None:
        for mart, column, of_hour in ONE_MORE.values():
            client.query_and_wait(
                f"update `{datasets.table(f'marts.{mart}')}` set {column} = {column} + {change} "
                f"where event_date = '{late.date}' and hour_start = '{late.start:%Y-%m-%d %H:%M:%S}' and {of_hour}"
            )

    add(1)
    [passed], [red], printed = run_all([(both.cloud, ["test", *BUILD[1:]])])
    add(-1)
    assert not passed
    assert sorted(red) == sorted([*ONE_MORE, "marts_equal_their_receipts"]), printed


#: Sums that are equal whatever an hour holds, as long as all of it is of one load: raw and figures, reconciliation and
#: figures, raw, facts and figures, facts and buckets, lines and figures.
IDENTITIES = """
select
    (select sum(party_size) from {raw.events} where event_type = 'walk_to_seller' and {every_day})
    - (select sum(walk_to_seller_visitors) from {marts.agg_venue_hourly}),
    (select sum(actual_count) from {raw.reconciliation} where event_type = 'walk_to_scanner' and {every_day})
    - (select sum(walk_to_scanner_visitors) from {marts.agg_venue_hourly}),
    (select sum(amount_cents) from {raw.events} where {every_day})
    - (select sum(amount_cents) from {marts.fct_ticket_sales} where {every_day}),
    (select count(*) from {marts.fct_queue_waits} where {every_day})
    - (select sum(waits) from {marts.agg_wait_histogram_hourly}),
    (select sum(served) from {marts.agg_line_hourly})
    - (select sum(groups_served) + sum(visitors_admitted) from {marts.agg_venue_hourly})
"""

#: Types that a load leaves out, so that every figure above changes.
LEFT_OUT = ("walk_to_", "wait_in_", "buy_tickets")


def differences(reader: Reader) -> tuple[int, ...]:
    """How far each identity is from being true."""
    query = re.sub(r"\{(\w+\.\w+)\}", lambda named: reader.named(named[1]), IDENTITIES)
    [row] = reader.execute(query.replace("{every_day}", "(event_date is null or event_date is not null)")).fetchall()
    return tuple(row)


class Asking(threading.Thread):
    """A reader who asks all the time, and what was ever not true."""

    def __init__(self, warehouse: DuckDBWarehouse | BigQueryWarehouse, pause_s: float) -> None:
        super().__init__(daemon=True)
        self.warehouse = warehouse
        self.pause_s = pause_s
        self.asked = 0
        self.found: list[tuple[int, ...]] = []
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.is_set():
            with self.warehouse.published() as reader:
                self.found += [found for found in [differences(reader)] if any(found)]
            self.asked += 1
            self.ended.wait(self.pause_s)

    def until(self, asked: int) -> None:
        """Wait for so many answers."""
        while self.asked < asked and self.is_alive():
            time.sleep(0.05)


@pytest.mark.parametrize(
    ("engine", "loads", "times", "pause_s"),
    [
        ("laptop", (LEFT_OUT, ()), 200, 0),
        # the emulator answers one at a time, dbt too
        ("cloud", (LEFT_OUT,), 20, 2),
        pytest.param("cloud", (LEFT_OUT, ()), 200, 0, marks=pytest.mark.nightly),
    ],
)
def test_a_reader_never_sees_raw_facts_and_figures_of_different_loads(both, engine, loads, times, pause_s):
    of_engine: Engine = getattr(both, engine)
    warehouse, hour = of_engine.warehouse, of_engine.hours[1]
    warehouse.publish()
    asking = Asking(warehouse, pause_s)
    asking.start()
    try:
        for left_out in loads:
            partly = [path for path in of_engine.files[hour] if not any(name in path for name in left_out)]
            warehouse.replace_hours("events", {hour: partly})
            with warehouse.reading() as reader:
                assert all(differences(reader)[:3]), "nothing changed, so the reader proves nothing"
            # the page of another run is built meanwhile
            warehouse.publish(lambda: {hour})
            of_engine.run(["run", *window(hour, hour)])
            warehouse.publish(lambda: {hour})
            warehouse.publish()
        asking.until(times)
    finally:
        asking.ended.set()
        asking.join()
    assert asking.asked >= times
    assert asking.found == []
