"""The view raw.reconciliation on both engines: every state with its difference, as the loader creates it."""

from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from streaming.hour import Hour
from ticketsim_assets.checks.reconciliation import read_problems, read_reconciliation
from ticketsim_assets.warehouse.bigquery_warehouse import BigQueryWarehouse
from ticketsim_assets.warehouse.duckdb_warehouse import DuckDBWarehouse

HOUR = Hour(datetime(2026, 1, 1, 10, tzinfo=UTC))

ENGINES = pytest.mark.parametrize(
    "warehouse", ["duckdb", pytest.param("bigquery", marks=pytest.mark.slow)], indirect=True
)

#: Of receipts without a digest, as they are here.
COUNTED = "contents not compared: the receipt has no digest"

COLUMNS = "run_id, venue_id, event_type, event_time, started_at, hour_start, of_event_type, event_count, duration_us"


def literal(value: object) -> str:
    if isinstance(value, datetime):
        return f"timestamp '{value:%Y-%m-%d %H:%M:%S.%f}'"
    return "null" if value is None else repr(value)


def event(event_type: str, duration_us: int) -> tuple:
    ended = HOUR.start + timedelta(minutes=30)
    return ("r", "v", event_type, ended, ended - timedelta(microseconds=duration_us), None, None, None, None)


def receipt(of_event_type: str, count: int, duration_us: int) -> tuple:
    ended = HOUR.end - timedelta(microseconds=1)
    return ("r", "v", "hour_closed", ended, HOUR.start, HOUR.start, of_event_type, count, duration_us)


def fill(warehouse: DuckDBWarehouse | BigQueryWarehouse, rows: list[tuple], table: str = "raw.events") -> None:
    """Put ``rows`` into ``table``, which a load of nothing has created; copies begin with an event_id, receipts of a
    run's venues end with `run_venues` and `final`.
    """
    if table == "raw.events":
        warehouse.replace_hours("events", {HOUR: []})
    columns = f"event_id, {COLUMNS}" if table != "raw.events" else COLUMNS
    columns += ", run_venues, final" * (len(rows[0]) > len(columns.split(", ")))
    values = ", ".join(f"({', '.join(map(literal, row))}, date '{HOUR.date}')" for row in rows)
    if isinstance(warehouse, DuckDBWarehouse):
        with duckdb.connect(warehouse.path) as connection:
            connection.execute(f"insert into {table} ({columns}, event_date) values {values}")
    else:
        named = warehouse.datasets.table(table)
        warehouse.client.query_and_wait(f"insert into `{named}` ({columns}, event_date) values {values}")


def compared(warehouse) -> dict[str, tuple]:
    with warehouse.reading() as reader:
        rows = reader.execute(
            "select event_type, expected_count, actual_count, expected_duration_us, actual_duration_us, state, "
            f"difference from {reader.named('raw.reconciliation')} where event_date = date '{HOUR.date}'"
        ).fetchall()
    return {event_type: tuple(figures) for event_type, *figures in rows}


@ENGINES
def test_every_state_is_named_with_its_difference(warehouse):
    activities = [
        *[event("bus_arrival", 0), event("bus_arrival", 0)],
        event("walk_to_seller", 10),
        *[event("wait_in_seller_line", 5), event("wait_in_seller_line", 0)],
        *[event("buy_tickets", 20), event("buy_tickets", 25)],
        event("wait_in_scanner_line", 4),
        event("scan_tickets", 1),
    ]
    receipts = [
        receipt("bus_arrival", 2, 0),
        receipt("walk_to_seller", 3, 30),
        receipt("wait_in_seller_line", 1, 5),
        receipt("buy_tickets", 2, 30),
        receipt("walk_to_scanner", 0, 0),
        *[receipt("scan_tickets", 1, 1), receipt("scan_tickets", 2, 2)],
    ]
    fill(warehouse, [*activities, *receipts])
    assert compared(warehouse) == {
        "bus_arrival": (2, 2, 0, 0, "counted", COUNTED),
        "walk_to_seller": (3, 1, 30, 10, "wrong", "2 of 3 missing"),
        "wait_in_seller_line": (1, 2, 5, 5, "wrong", "1 more than the 1 of the receipt"),
        "buy_tickets": (2, 2, 30, 45, "wrong", "duration differs by 15 us"),
        "walk_to_scanner": (0, 0, 0, 0, "counted", COUNTED),
        "wait_in_scanner_line": (None, 1, None, 4, "unproved", "no receipt"),
        "scan_tickets": (2, 1, 2, 1, "wrong", "receipts contradict each other"),
    }
    with warehouse.reading() as reader:
        found = read_reconciliation(reader, HOUR.start, HOUR.end)
    assert (found.proved, found.counted, found.unproved, found.wrong) == (0, 2, 1, 4)


@ENGINES
def test_receipts_that_contradict_each_other_are_wrong_although_one_of_them_fits(warehouse):
    receipts = [receipt("scan_tickets", 2, 2), receipt("scan_tickets", 1, 1)]
    fill(warehouse, [event("scan_tickets", 1), event("scan_tickets", 1), *receipts])
    assert compared(warehouse)["scan_tickets"] == (2, 2, 2, 2, "wrong", "receipts contradict each other")


@ENGINES
def test_copies_with_other_contents_are_named_and_count_as_no_event_and_no_receipt(warehouse):
    fill(warehouse, [event("buy_tickets", 20), receipt("buy_tickets", 1, 20), receipt("bus_arrival", 0, 0)])
    copies = [("r-v-7", *event("buy_tickets", 25)), ("r-v-9", *event("buy_tickets", 26))]
    fill(warehouse, [*copies, ("r-v-8", *receipt("bus_arrival", 3, 0))], "raw.conflicting_copies")
    found = compared(warehouse)
    said = "came again with other contents, the first"
    assert found["buy_tickets"] == (1, 1, 20, 20, "wrong", f"2 {said} r-v-7")
    assert found["bus_arrival"] == (0, 0, 0, 0, "wrong", f"1 {said} r-v-8")


@ENGINES
def test_a_venue_without_receipts_is_found_on_both_engines(warehouse):
    fill(warehouse, [(*receipt("bus_arrival", 0, 0), 3, True)])
    with warehouse.reading() as reader:
        for hours in ((), (HOUR.start, HOUR.end)):
            [absent] = [p for p in read_problems(reader, *hours) if p.event_type == "hour_closed"]
            assert (absent.state, absent.hour, absent.venue_id) == ("wrong", HOUR.start, "(2 of 3 without receipts)")


@ENGINES
def test_a_receipt_without_events_is_wrong_and_a_missing_receipt_is_a_row(warehouse):
    others = ["walk_to_seller", "wait_in_seller_line", "buy_tickets", "walk_to_scanner", "wait_in_scanner_line"]
    fill(warehouse, [receipt("bus_arrival", 2, 0), *(receipt(other, 0, 0) for other in others)])
    assert compared(warehouse) == {
        "bus_arrival": (2, 0, 0, 0, "wrong", "2 of 2 missing"),
        **dict.fromkeys(others, (0, 0, 0, 0, "counted", COUNTED)),
        "scan_tickets": (None, 0, None, 0, "unproved", "no receipt"),
    }


@ENGINES
def test_a_view_of_an_earlier_release_is_replaced_by_the_next_load(warehouse):
    fill(warehouse, [receipt("bus_arrival", 0, 0)])
    if isinstance(warehouse, DuckDBWarehouse):
        with duckdb.connect(warehouse.path) as connection:
            connection.execute("create or replace view raw.reconciliation as select 1 as of_another_release")
    else:
        view = warehouse.client.get_table(warehouse.datasets.table("raw.reconciliation"))
        view.view_query = "select 1 as of_another_release"
        warehouse.client.update_table(view, ["view_query"])
    warehouse.replace_hours("quarantine", {HOUR: []})
    assert compared(warehouse)["bus_arrival"] == (0, 0, 0, 0, "counted", COUNTED)
