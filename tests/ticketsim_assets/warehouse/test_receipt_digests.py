"""Receipts reach every field: whatever is changed in raw.events is found, and named by venue, hour and event type."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from simulator.digest import digest_of
from simulator.events import FIELDS, Field
from streaming.lake.forgotten_runs import ForgottenRuns
from ticketsim_assets.assets.loading import load_events
from ticketsim_assets.checks.reconciliation import Problem, read_problems, read_reconciliation
from ticketsim_assets.warehouse.duckdb_connection import DuckDBReader
from ticketsim_assets.warehouse.duckdb_warehouse import DuckDBWarehouse
from ticketsim_assets.warehouse.wait_policy import NO_WAIT

from ..conftest import LakeMaker, hour_of, simulated

pytestmark = pytest.mark.slow

Cell = tuple[str, str, datetime, str]
"""Run, venue, hour and event type of a receipt."""

PAIRS = [("duckdb", "disk"), ("bigquery", "gcs")]

#: What somebody might do to the warehouse that changes neither number nor durations of events.
STATEMENTS = {
    "amounts": "set amount_cents = amount_cents * 100 where event_type = 'buy_tickets'",
    "channels": "set channel = 'online' where event_type = 'scan_tickets'",
    "lines": "set line = 1 where event_type = 'wait_in_scanner_line'",
    "moved": "set event_time = {later_end}, started_at = {later_start} where event_type = 'walk_to_scanner'"
    " and extract(minute from event_time) < 59",
    "visitors": "set party_size = party_size + 1000 where event_type = 'bus_arrival'",
}


def loaded(maker, warehouse) -> None:
    maker.append(messages := simulated())
    hours = sorted({hour_of(message) for message in messages})
    load_events(maker.lake.snapshot(), warehouse, hours, {}, ForgottenRuns(), allow_incomplete=False)


@pytest.fixture(scope="module")
def events(tmp_path_factory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB warehouse with a run of two venues, open for changes."""
    folder = tmp_path_factory.mktemp("digests")
    warehouse = DuckDBWarehouse(folder / "warehouse.duckdb", folder / "readers.db", NO_WAIT)
    loaded(LakeMaker(folder / "lake"), warehouse)
    with duckdb.connect(warehouse.path) as connection:
        yield connection


@contextmanager
def undone(events: duckdb.DuckDBPyConnection) -> Iterator[DuckDBReader]:
    events.begin()
    try:
        yield DuckDBReader(events)
    finally:
        events.rollback()


def cell_of(problem: Problem) -> Cell:
    return problem.run_id, problem.venue_id, problem.hour, problem.event_type


def cell(events: duckdb.DuckDBPyConnection, rowid: int) -> Cell:
    [(run, venue, ended, started, event_type, of_event_type)] = events.execute(
        "select run_id, venue_id, event_time, hour_start, event_type, of_event_type from raw.events where rowid = ?",
        [rowid],
    ).fetchall()
    hour = (started or ended).replace(minute=0, second=0, microsecond=0, tzinfo=UTC)
    return run, venue, hour, of_event_type or event_type


def problems(events: duckdb.DuckDBPyConnection) -> dict[Cell, str]:
    found = read_reconciliation(DuckDBReader(events)).problems
    return {cell_of(problem): problem.difference for problem in found}


def other_value(field: Field, value: object, chance: random.Random) -> object:
    """Another value of the column of ``field``, as mistakes make it; null among them."""
    match field.kind:
        case "bool":
            others = [not value, None]
        case "string":
            others = [*field.allowed, "", f"{value}0", f"0{value}", None]
        case "int":
            number = value or 0
            others = [number + 1, number - 1, number * 100, -number, chance.randrange(2**20), 2**62, -(2**62), None]
        case "time":
            moment = value or datetime(2026, 3, 1)  # noqa: DTZ001 - naive as the column
            others = [*(moment + timedelta(seconds=by) for by in (1e-6, -1e-6, 1, -60, 3600, -86400)), None]
    return chance.choice([other for other in others if other != value])


@pytest.mark.parametrize(("warehouse", "lake_place"), PAIRS, indirect=["warehouse"])
def test_both_engines_have_the_simulators_digests_and_find_what_numbers_and_durations_hide(maker, warehouse):
    loaded(maker, warehouse)
    day = "event_date > date '2000-01-01'"
    with warehouse.reading() as reader:
        found = read_reconciliation(reader)
        assert (found.state, found.problems, found.proved > 0) == ("proved", (), True)
        digests = reader.execute(
            f"select expected_digest, actual_digest from {reader.named('raw.reconciliation')} where {day}"
        ).fetchall()
    assert all(expected == actual for expected, actual in digests)
    assert len({actual for _, actual in digests}) == len(digests)
    for changed, statement in STATEMENTS.items():
        if isinstance(warehouse, DuckDBWarehouse):
            later = {"later_end": "event_time + interval 1 second", "later_start": "started_at + interval 1 second"}
            with duckdb.connect(warehouse.path) as connection, undone(connection) as reader:
                connection.execute(f"update raw.events {statement.format(**later)}")
                wrong = read_problems(reader)
        else:
            later = {
                "later_end": "timestamp_add(event_time, interval 1 second)",
                "later_start": "timestamp_add(started_at, interval 1 second)",
            }
            named = warehouse.datasets.table("raw.events")
            warehouse.client.query_and_wait(f"update `{named}` {statement.format(**later)} and {day}")
            with warehouse.reading() as reader:
                wrong = read_problems(reader)
            all_hours = sorted({hour_of(message) for message in simulated()})
            load_events(maker.lake.snapshot(), warehouse, all_hours, {}, ForgottenRuns(), allow_incomplete=False)
        assert wrong, changed
        assert {problem.state for problem in wrong} == {"wrong"}
        assert len({problem.event_type for problem in wrong}) == 1
        assert all("contents differ" in problem.difference for problem in wrong)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_a_change_of_any_field_of_one_row_is_found_where_it_was(events, field):
    chance = random.Random(field.name)  # noqa: S311 - chooses mistakes, no secret
    carrying = f"select rowid, {field.name} from raw.events where {field.name} is not null order by rowid"
    lacking = f"select rowid, {field.name} from raw.events where {field.name} is null order by rowid"
    rows = [events.execute(query).fetchall() for query in (carrying, lacking)]
    for rowid, value in [chance.choice(some) for some in rows if some for _ in range(4)]:
        where = cell(events, rowid)
        to = other_value(field, value, chance)
        with undone(events):
            events.execute(f"update raw.events set {field.name} = ? where rowid = ?", [to, rowid])
            assert where in problems(events), (field.name, value, to)
    assert not problems(events)


@pytest.mark.parametrize("changes", [300, pytest.param(10_000, marks=pytest.mark.nightly)])
def test_random_changes_are_all_found_where_they_were(events, changes):
    chance = random.Random(changes)  # noqa: S311 - chooses mistakes, no secret
    rowids = [rowid for (rowid,) in events.execute("select rowid from raw.events order by rowid").fetchall()]
    made = 0
    while made < changes:
        how = chance.choice(("value", "value", "value", "swap", "delete", "double"))
        one, two = chance.sample(rowids, 2)
        field = chance.choice(FIELDS)
        where = cell(events, one)
        with undone(events):
            [(value,)] = events.execute(f"select {field.name} from raw.events where rowid = ?", [one]).fetchall()
            [(other,)] = events.execute(f"select {field.name} from raw.events where rowid = ?", [two]).fetchall()
            if how == "swap" and value == other:
                continue
            if how == "delete":
                events.execute("delete from raw.events where rowid = ?", [one])
            elif how == "double":
                events.execute("insert into raw.events from raw.events where rowid = ?", [one])
            else:
                to = other if how == "swap" else other_value(field, value, chance)
                events.execute(f"update raw.events set {field.name} = ? where rowid = ?", [to, one])
                if how == "swap":
                    events.execute(f"update raw.events set {field.name} = ? where rowid = ?", [value, two])
            assert where in problems(events), (how, field.name, value, other)
        made += 1
    assert not problems(events)


def test_the_definition_in_python_gives_the_digest_of_the_warehouse(events):
    """Of a receipt and its events as they are in the table, of a value that no message may have, too."""
    [(receipt_row,)] = events.execute(
        "select rowid from raw.events where of_event_type = 'buy_tickets' and event_count > 2 order by 1 limit 1"
    ).fetchall()
    run, venue, hour, event_type = cell(events, receipt_row)
    with undone(events):
        sold = events.execute(
            "select rowid from raw.events where event_type = ? and venue_id = ? and date_trunc('hour', event_time) = ?",
            [event_type, venue, hour.replace(tzinfo=None)],
        ).fetchall()
        events.execute(
            "update raw.events set channel = 'web', line = -5, amount_cents = ?, servers = 3,"
            " event_id = event_id || 'x' where rowid = ?",
            [2**62, sold[0][0]],
        )
        rows = events.execute(
            f"select {', '.join(f.name if f.kind != 'time' else f'epoch_us({f.name})' for f in FIELDS)}"
            " from raw.events where rowid in (select unnest(?))",
            [[receipt_row, *(rowid for (rowid,) in sold)]],
        ).fetchall()
        messages = [dict(zip((field.name for field in FIELDS), row, strict=True)) for row in rows]
        [receipt] = [message for message in messages if message["event_type"] == "hour_closed"]
        [(actual,)] = events.execute(
            "select actual_digest from raw.reconciliation where run_id = ? and venue_id = ? and hour_start = ?"
            " and event_type = ?",
            [run, venue, hour.replace(tzinfo=None), event_type],
        ).fetchall()
    assert actual == digest_of(receipt, [message for message in messages if message is not receipt])
    assert actual != receipt["digest"]
