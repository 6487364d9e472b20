"""Reading the reconciliation view; a table of its columns stands in for it (the view: test_reconciliation_view.py)."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime

import duckdb
import pytest

from ticketsim_assets.checks.reconciliation import (
    Problem,
    find_view,
    read_problems,
    read_reconciliation,
    worst,
)
from ticketsim_assets.exceptions import NothingToReconcile
from ticketsim_assets.warehouse.duckdb_connection import DuckDBReader

COLUMNS = """run_id varchar, venue_id varchar, hour_start timestamp, event_date date, event_type varchar,
    expected_count bigint, actual_count bigint, expected_duration_us bigint, actual_duration_us bigint,
    expected_digest bigint, actual_digest bigint, state varchar, difference varchar"""


def hour(number: int) -> datetime:
    return datetime(2026, 11, 20, number, tzinfo=UTC)


@pytest.fixture
def connection() -> Iterator[DuckDBReader]:
    with duckdb.connect() as opened:
        opened.execute(
            "create schema raw; create table raw.events (run_id varchar, venue_id varchar, "
            "event_type varchar, event_date date, hour_start timestamp, run_venues bigint, final boolean)"
        )
        yield DuckDBReader(opened)


@pytest.fixture
def warehouse(connection: DuckDBReader) -> DuckDBReader:
    connection.execute(f"create table raw.reconciliation ({COLUMNS})")
    return connection


def add(
    warehouse: DuckDBReader,
    state: str = "proved",
    *,
    run: str = "run",
    venue: str = "north",
    start: datetime | None = None,
    expected: int | None = 5,
    actual: int = 5,
    difference: str | None = None,
) -> None:
    naive = (start or hour(3)).replace(tzinfo=None)
    row = [run, venue, naive, naive.date(), "buy_tickets", expected, actual, 0, 0, 7, 7, state, difference]
    warehouse.execute(f"insert into raw.reconciliation values ({', '.join('?' * len(row))})", row)


def test_a_warehouse_without_the_view_is_refused_with_the_cure(connection):
    with pytest.raises(NothingToReconcile, match=r"no raw\.reconciliation.*ticketsim demo"):
        read_reconciliation(connection)


def test_a_warehouse_without_hours_is_not_called_proved(warehouse):
    assert find_view(warehouse) == "raw.reconciliation"
    with pytest.raises(NothingToReconcile, match="holds no hour"):
        read_reconciliation(warehouse)


def test_a_warehouse_of_the_release_before_is_read_in_its_marts_until_its_next_load(warehouse):
    add(warehouse, "wrong", difference="1 of 5 missing")
    warehouse.execute("create schema marts; create table marts.reconciliation_hourly as from raw.reconciliation")
    warehouse.execute("drop table raw.reconciliation")
    found = read_reconciliation(warehouse)
    assert (found.wrong, [problem.difference for problem in found.problems]) == (1, ["1 of 5 missing"])
    assert read_problems(warehouse, hour(3), hour(4)) == found.problems


def test_venues_are_summed_over_their_hours_and_runs_stay_apart(warehouse):
    add(warehouse, start=hour(3), actual=5)
    add(warehouse, start=hour(7), actual=6)
    add(warehouse, run="other", actual=9)
    found = read_reconciliation(warehouse)
    assert [(v.run_id, v.first_hour, v.last_hour, v.hours, v.events, v.proved) for v in found.venues] == [
        ("other", hour(3), hour(3), 1, 9, 1),
        ("run", hour(3), hour(7), 2, 11, 2),
    ]
    assert (found.proved, found.unproved, found.wrong, found.state, found.problems) == (3, 0, 0, "proved", ())


def test_problems_name_run_venue_hour_and_type_and_the_wrong_ones_come_first(warehouse):
    add(warehouse, "unproved", venue="a", expected=None, difference="no receipt")
    add(warehouse, "wrong", venue="z", actual=4, difference="1 of 5 missing")
    found = read_reconciliation(warehouse)
    assert found.state == "wrong"
    assert [venue.state for venue in found.venues] == ["unproved", "wrong"]
    assert found.problems == (
        Problem("run", "z", hour(3), "buy_tickets", "wrong", 5, 4, "1 of 5 missing"),
        Problem("run", "a", hour(3), "buy_tickets", "unproved", None, 5, "no receipt"),
    )
    assert str(found.problems[0]) == ("wrong: run run, venue z, hour 2026-11-20T03:00Z, buy_tickets: 1 of 5 missing")


def test_a_range_is_compared_by_itself_and_one_without_hours_is_not_called_proved(warehouse):
    for number in (2, 3, 4, 5):
        add(warehouse, "wrong" if number in {2, 5} else "proved", start=hour(number))
    found = read_reconciliation(warehouse, hour(3), hour(5))
    assert (found.state, found.proved, found.problems) == ("proved", 2, ())
    assert (found.venues[0].first_hour, found.venues[0].last_hour) == (hour(3), hour(4))
    with pytest.raises(NothingToReconcile, match="no hour of that range"):
        read_reconciliation(warehouse, hour(8))


def receipt(warehouse: DuckDBReader, number: int, *, venue: str = "north", venues: int, final: bool = False) -> None:
    naive = hour(number).replace(tzinfo=None)
    warehouse.execute(
        "insert into raw.events values ('run', ?, 'hour_closed', ?, ?, ?, ?)",
        [venue, naive.date(), naive, venues, final],
    )


def test_a_venue_that_the_receipts_of_others_declare_is_wrong_in_every_hour_once_those_are_final(warehouse):
    for number in (3, 4):
        add(warehouse, start=hour(number))
        receipt(warehouse, number, venues=2)
    unproved = read_reconciliation(warehouse)
    assert (unproved.state, unproved.unproved) == ("unproved", 2)
    receipt(warehouse, 5, venues=2, final=True)
    add(warehouse, start=hour(5))
    found = read_reconciliation(warehouse)
    assert (found.state, found.proved, found.unproved, found.wrong) == ("wrong", 3, 0, 3)
    assert [venue.venue_id for venue in found.venues] == ["(1 of 2 without receipts)", "north"]
    assert str(found.problems[0]) == (
        "wrong: run run, venue (1 of 2 without receipts), hour 2026-11-20T03:00Z, hour_closed: "
        "the run's receipts declare 2 venues, and receipts of 1 have come, the last ones too"
    )
    assert [problem.hour for problem in read_problems(warehouse, hour(4), hour(5))] == [hour(4)]


def test_a_venue_that_ended_earlier_or_begins_later_is_not_missed(warehouse):
    receipt(warehouse, 3, venue="north", venues=2, final=True)
    receipt(warehouse, 4, venue="south", venues=2, final=True)
    add(warehouse, start=hour(4))
    assert read_problems(warehouse, hour(4), hour(5)) == read_problems(warehouse) == ()


def test_problems_of_a_range_end_before_its_end(warehouse):
    for number in (3, 4, 5):
        add(warehouse, "wrong", start=hour(number), difference="2 of 5 missing")
    assert [problem.hour for problem in read_problems(warehouse, hour(4), hour(5))] == [hour(4)]
    assert [problem.hour for problem in read_problems(warehouse, start=hour(4))] == [hour(4), hour(5)]
    assert [problem.hour for problem in read_problems(warehouse, end=hour(4))] == [hour(3)]


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        ((3, 1, 2, 1), "wrong"),
        ((3, 1, 2, 0), "unproved"),
        ((3, 1, 0, 0), "counted"),
        ((3, 0, 0, 0), "proved"),
        ((0, 0, 0, 0), "unproved"),
    ],
)
def test_the_worst_state_wins_and_nothing_is_never_proved(counts, state):
    assert worst(*counts) == state


def test_what_a_receipt_without_a_digest_counts_is_listed_only_where_others_of_its_run_have_one(warehouse):
    add(warehouse, "counted", start=hour(3))
    found = read_reconciliation(warehouse)
    assert (found.state, found.counted, found.problems) == ("counted", 1, ())
    add(warehouse, "proved", start=hour(4))
    assert [(p.state, p.hour) for p in read_reconciliation(warehouse).problems] == [("counted", hour(3))]
    assert read_problems(warehouse) == ()


def test_a_view_of_a_release_without_digests_has_counted_what_it_calls_proved(warehouse):
    add(warehouse)
    warehouse.execute("alter table raw.reconciliation drop column expected_digest")
    found = read_reconciliation(warehouse)
    assert (found.state, found.counted, found.proved) == ("counted", 1, 0)


def test_what_was_read_cannot_be_changed(warehouse):
    add(warehouse)
    found = read_reconciliation(warehouse)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.venues = ()
