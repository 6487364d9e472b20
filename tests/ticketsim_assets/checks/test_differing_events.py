"""Whatever is done to one row of raw.events is named by its event: missing, doubled, changed, or not in the lake."""

import re
from collections.abc import Iterator

import duckdb
import pytest

from streaming.lake.forgotten_runs import ForgottenRuns
from ticketsim_assets.assets.loading import load_events
from ticketsim_assets.checks.differing_events import DifferingEvent, differing_events
from ticketsim_assets.checks.reconciliation import read_reconciliation
from ticketsim_assets.warehouse.duckdb_connection import DuckDBReader
from ticketsim_assets.warehouse.duckdb_warehouse import DuckDBWarehouse
from ticketsim_assets.warehouse.wait_policy import NO_WAIT

from ..conftest import LakeMaker, hour_of, simulated

SCAN = "event_type = 'scan_tickets' and venue_id = 'venue-1'"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[LakeMaker, DuckDBWarehouse]:
    """A lake, and a warehouse into which all of it was loaded."""
    folder = tmp_path_factory.mktemp("differing")
    warehouse = DuckDBWarehouse(folder / "warehouse.duckdb", folder / "readers.db", NO_WAIT)
    maker = LakeMaker(folder / "lake")
    maker.append(messages := simulated())
    hours = sorted({hour_of(message) for message in messages})
    load_events(maker.lake.snapshot(), warehouse, hours, {}, ForgottenRuns(), allow_incomplete=False)
    return maker, warehouse


@pytest.fixture
def events(made) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(made[1].path) as connection:
        connection.begin()
        yield connection
        connection.rollback()


@pytest.fixture
def look(made, events):
    def found(*, lake: bool = True) -> list[DifferingEvent]:
        reader = DuckDBReader(events)
        snapshot = made[0].lake.snapshot() if lake else None
        return differing_events(reader, snapshot, read_reconciliation(reader).problems)

    return found


def some(events, count: int = 1, where: str = SCAN) -> list[str]:
    """Return the ids of events in the middle of an hour."""
    rows = events.execute(
        f"select event_id from raw.events where {where} order by event_time, event_id limit {count} offset 20"
    ).fetchall()
    return [event_id for (event_id,) in rows]


def quoted(ids: list[str]) -> str:
    return ", ".join(f"'{event_id}'" for event_id in ids)


def test_nothing_is_named_where_all_is_proved(look):
    assert look() == []


def test_rows_that_were_deleted_are_missing_with_their_type_and_without_the_lake_by_their_number(look, events):
    gone = some(events, 3)
    events.execute(f"delete from raw.events where event_id in ({quoted(gone)})")
    assert {(event.finding, event.event_id, event.event_type) for event in look()} == {
        ("missing", event_id, "scan_tickets") for event_id in gone
    }
    assert {(event.finding, event.event_id) for event in look(lake=False)} == {
        ("missing", event_id) for event_id in gone
    }


def test_a_row_that_stands_twice_is_doubled(look, events):
    [twice] = some(events)
    events.execute(f"insert into raw.events select * from raw.events where event_id = '{twice}'")
    for found in (look(), look(lake=False)):
        assert [(event.finding, event.event_id) for event in found] == [("doubled", twice)]


def test_a_changed_field_is_named_with_both_values(look, events):
    [changed] = some(events)
    events.execute(f"update raw.events set line = line + 7 where event_id = '{changed}'")
    [event] = look()
    assert (event.finding, event.event_id, event.event_type) == ("changed", changed, "scan_tickets")
    [(name, (here, there))] = event.fields.items()
    assert (name, here) == ("line", there + 7)
    assert str(event) == f"changed: {changed} (scan_tickets): line is {here}, in the lake {there}"


def test_two_rows_that_exchanged_a_field_are_both_named(look, events):
    one, other = events.execute(
        f"select min_by(event_id, line), max_by(event_id, line) from raw.events where {SCAN}"
    ).fetchone()
    asked = f"select event_id, line from raw.events where event_id in ('{one}', '{other}')"
    lines = dict(events.execute(asked).fetchall())
    assert lines[one] != lines[other]
    for event_id, line in ((one, lines[other]), (other, lines[one])):
        events.execute(f"update raw.events set line = {line} where event_id = '{event_id}'")
    assert {(event.finding, event.event_id) for event in look()} == {("changed", one), ("changed", other)}


def test_another_id_is_a_row_that_the_lake_does_not_have_and_one_that_is_missing(look, events):
    [old] = some(events)
    events.execute(f"update raw.events set event_id = run_id || '-' || venue_id || '-999999' where event_id = '{old}'")
    assert {(event.finding, event.event_id) for event in look()} == {
        ("missing", old),
        ("not in the lake", f"{old.rpartition('-')[0]}-999999"),
    }


def test_an_id_that_was_taken_away_is_missing(look, events):
    [old] = some(events)
    events.execute(f"update raw.events set event_id = null where event_id = '{old}'")
    assert ("missing", old) in {(event.finding, event.event_id) for event in look()}


def test_an_event_that_no_station_has_is_known_by_its_number(tmp_path):
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb", tmp_path / "readers.db", NO_WAIT)
    maker = LakeMaker(tmp_path / "lake")
    messages = simulated()
    lost = next(n for n, (topic, _) in enumerate(messages) if topic == "ticketsim.scan_tickets" and n > 200)
    maker.append([*messages[:lost], *messages[lost + 1 :]])
    hours = sorted({hour_of(message) for message in messages})
    load_events(maker.lake.snapshot(), warehouse, hours, {}, ForgottenRuns(), allow_incomplete=True)
    with warehouse.reading() as reader:
        [event] = differing_events(reader, maker.lake.snapshot(), read_reconciliation(reader).problems)
    assert event.finding == "lost before the lake"
    assert f'"event_id":"{event.event_id}"'.encode() in messages[lost][1]


def test_an_event_that_no_receipt_counts_is_beyond_their_numbers(tmp_path):
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb", tmp_path / "readers.db", NO_WAIT)
    maker = LakeMaker(tmp_path / "lake")
    messages = simulated()
    topic, value = next(message for message in messages if message[0] == "ticketsim.scan_tickets")
    planted = re.sub(rb'("event_id":"[^"]*-)\d+"', rb'\g<1>999999"', value)
    maker.append([*messages, (topic, planted)])
    hours = sorted({hour_of(message) for message in messages})
    load_events(maker.lake.snapshot(), warehouse, hours, {}, ForgottenRuns(), allow_incomplete=False)
    with warehouse.reading() as reader:
        [event] = differing_events(reader, maker.lake.snapshot(), read_reconciliation(reader).problems)
    assert event.finding == "beyond the receipts"
    assert event.event_id.endswith("-999999")
