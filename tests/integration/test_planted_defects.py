"""The receipts check in Dagster's hands: a defect in the lake or in raw turns it red, and nothing else."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from streaming.hour import Hour
from ticketsim_assets.assets.partitions import hourly_partitions
from ticketsim_assets.assets.raw import LoadConfig, raw_assets
from ticketsim_assets.checks.reconciliation import read_reconciliation
from ticketsim_assets.dashboard.data import read_marts
from ticketsim_assets.keys import RAW_EVENTS
from ticketsim_assets.resources.dbt import dbt_project, dbt_resource
from ticketsim_assets.resources.resources import resources
from ticketsim_assets.resources.warehouse import warehouse_resource
from ticketsim_assets.settings import Settings
from ticketsim_assets.warehouse.duckdb_connection import DuckDBReader
from ticketsim_assets.warehouse.duckdb_warehouse import DuckDBWarehouse
from ticketsim_assets.warehouse.wait_policy import NO_WAIT

from ..ticketsim_assets.conftest import START, LakeMaker, Message, fields, hour_of, simulated

pytestmark = pytest.mark.slow

FIRST = Hour.containing(START)
SCAN, RECEIPT = "ticketsim.scan_tickets", "ticketsim.hour_closed"


HOURLY = hourly_partitions(Settings().first_hour)


@dg.asset(deps=[RAW_EVENTS], partitions_def=HOURLY, backfill_policy=dg.BackfillPolicy.single_run())
def downstream() -> None:
    """Something that must not be built from a red hour."""


def materialise(home: Path, *hours: Hour) -> dg.ExecuteInProcessResult:
    """Load ``hours`` as they are, from the lake in ``home``, in one run."""
    if len(hours) == 1:
        partition = {"partition_key": hours[0].key}
    else:
        first, last = hours[0].key, hours[-1].key
        partition = {"tags": {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}}
    settings = Settings(home=home)
    dbt = dbt_resource(warehouse_resource(settings))
    dbt_project(dbt)
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(
            [*raw_assets(HOURLY, "duckdb"), downstream],
            selection=[RAW_EVENTS, downstream.key],
            resources=resources(dbt, settings),
            run_config=dg.RunConfig({"raw__events": LoadConfig(allow_incomplete=True)}),
            instance=instance,
            raise_on_error=False,
            **partition,
        )


@pytest.fixture(scope="module")
def messages() -> list[Message]:
    return simulated(hours=1.2)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, messages) -> Path:
    """A home whose hours have been loaded: the view that judges is there, which the first load of all builds."""
    home = tmp_path_factory.mktemp("sound")
    LakeMaker(home / "lake").append(messages)
    assert materialise(home, *sorted({hour_of(m) for m in messages})).success
    return home


def one(messages: list[Message], topic: str, **wanted: object) -> Message:
    """The first message of ``topic`` in the first hour."""
    return next(
        m
        for m in messages
        if m[0] == topic and hour_of(m) == FIRST and all(fields(m)[name] == value for name, value in wanted.items())
    )


def missing_row(messages: list[Message]) -> list[Message]:
    return [m for m in messages if m != one(messages, SCAN)]


def extra_row(messages: list[Message]) -> list[Message]:
    topic, value = one(messages, SCAN)
    return [*messages, (topic, value.replace(fields((topic, value))["event_id"].encode(), b"run-3-venue-1-999999"))]


def changed_duration(messages: list[Message]) -> list[Message]:
    victim = one(messages, SCAN)
    began = fields(victim)["started_at"]
    return [(m[0], m[1].replace(str(began).encode(), str(began - 15).encode())) if m == victim else m for m in messages]


def missing_receipt(messages: list[Message]) -> list[Message]:
    return [m for m in messages if m != one(messages, RECEIPT, of_event_type="scan_tickets")]


def copied_row(messages: list[Message]) -> list[Message]:
    return [*messages, one(messages, SCAN)]


@pytest.mark.parametrize(
    "defect",
    [
        (missing_row, "wrong", r"^wrong: venue venue-1 of run run-3, .*10:00.*, scan_tickets: 1 of \d+ missing$"),
        (extra_row, "wrong", r"^wrong: venue venue-1 .*, scan_tickets: 1 more than the \d+ of the receipt$"),
        (changed_duration, "wrong", r"^wrong: venue venue-1 .*, scan_tickets: duration differs by 15 us$"),
        (missing_receipt, "unproved", r"^unproved: venue venue-1 .*, scan_tickets: no receipt$"),
        (copied_row, "proved", r"^the hour equals its receipts$"),
    ],
)
def test_each_defect_in_the_lake_is_named_by_the_receipts_check_and_stops_what_is_downstream(
    sound, messages, tmp_path, defect: tuple[Callable, str, str]
):
    plant, state, said = defect
    shutil.copy(sound / "warehouse.duckdb", tmp_path)
    LakeMaker(tmp_path / "lake").append(plant(messages))
    result = materialise(tmp_path, FIRST)
    [check] = result.get_asset_check_evaluations()
    assert (check.check_name, check.passed) == ("receipts", state == "proved")
    assert re.search(said, check.description), check.description
    assert result.success == (state != "wrong")
    built = {event.asset_key for event in result.get_asset_materialization_events()}
    assert (downstream.key in built) == (state != "wrong")
    if state != "proved":
        assert check.severity.value == {"wrong": "ERROR", "unproved": "WARN"}[state]
        problems = check.metadata["problems"]
        assert isinstance(problems, dg.TableMetadataValue)
        [row] = problems.records
        assert {"venue-1", "scan_tickets", state} <= set(row.data.values())
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb", tmp_path / "readers.db", NO_WAIT)
    with warehouse.reading() as reader:
        found = read_reconciliation(reader)
    assert (found.wrong, found.unproved) == (state == "wrong", state == "unproved")
    warehouse.publish()
    states = read_marts(tmp_path / "readers.db").states
    assert (states["wrong"], states["unproved"]) == (state == "wrong", state == "unproved")


def test_a_row_doubled_in_raw_is_wrong_in_reconciliation_and_page_until_its_hour_is_loaded_again(sound, tmp_path):
    path = tmp_path / "warehouse.duckdb"
    shutil.copy(sound / "warehouse.duckdb", path)
    shutil.copytree(sound / "lake", tmp_path / "lake")
    with duckdb.connect(path) as connection:
        connection.execute(
            "insert into raw.events from raw.events where event_type = 'scan_tickets' "
            f"and event_hour = {FIRST.start.hour} limit 1"
        )
        [problem] = read_reconciliation(DuckDBReader(connection)).problems
    assert (problem.event_type, problem.state) == ("scan_tickets", "wrong")
    assert problem.difference.startswith("1 more")
    assert read_marts(path).states["wrong"] == 1
    assert materialise(tmp_path, FIRST).success
    assert read_marts(path).states["wrong"] == 0


def test_in_a_range_every_hour_has_its_own_evaluation_and_the_red_one_is_named(sound, messages, tmp_path):
    shutil.copy(sound / "warehouse.duckdb", tmp_path)
    LakeMaker(tmp_path / "lake").append(missing_row(messages))
    result = materialise(tmp_path, FIRST, FIRST.next)
    evaluations = {check.partition: check for check in result.get_asset_check_evaluations()}
    assert evaluations.keys() == {None, FIRST.key, FIRST.next.key}
    assert [evaluations[key].passed for key in (None, FIRST.key, FIRST.next.key)] == [False, False, True]
    assert str(FIRST) in evaluations[None].description
    assert not result.success
    assert downstream.key not in {event.asset_key for event in result.get_asset_materialization_events()}
