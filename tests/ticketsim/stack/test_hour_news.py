"""Lines about hours that have been proved, from the readers' copy as it is replaced."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from ticketsim.stack.hour_news import HourNews

FIRST = datetime(2026, 3, 1, 14)  # noqa: DTZ001 - the warehouse holds naive UTC
CAME_AT = datetime(2026, 3, 1, 16, tzinfo=UTC)


def publish(readers: Path, hours: dict[int, str], *, seconds_later: int = 21) -> None:
    """Replace the readers' copy by one with two venues and these hours, by the state of one of their receipts."""
    new = readers.with_name("new.db")
    with duckdb.connect(new) as connection:
        connection.execute("create schema raw")
        connection.execute("create schema marts")
        connection.execute("create table raw.events (run_id varchar, event_time timestamp, ingested_at timestamp)")
        connection.execute(
            "create table marts.agg_venue_hourly (run_id varchar, hour_start timestamp, visitors_arrived bigint)"
        )
        connection.execute(
            """create table marts.fct_queue_waits
            (run_id varchar, hour_start timestamp, stage varchar, wait_us bigint, party_size bigint)"""
        )
        connection.execute(
            """create table marts.reconciliation_hourly
            (run_id varchar, venue_id varchar, hour_start timestamp, state varchar)"""
        )
        for after, state in hours.items():
            hour = FIRST + timedelta(hours=after)
            for venue, of_venue in (("north", "proved"), ("south", state)):
                connection.execute(
                    "insert into marts.reconciliation_hourly values ('r', ?, ?, ?)", [venue, hour, of_venue]
                )
                connection.execute("insert into marts.agg_venue_hourly values ('r', ?, 4206)", [hour])
            connection.execute("insert into raw.events values ('r', ?, ?)", [hour, CAME_AT.replace(tzinfo=None)])
            for minutes, visitors in ((1, 90), (12, 6), (40, 4)):
                connection.execute(
                    "insert into marts.fct_queue_waits values ('r', ?, 'seller', ?, ?), ('r', ?, 'scanner', 1, 9999)",
                    [hour, minutes * 60_000_000, visitors, hour],
                )
    published = CAME_AT.timestamp() + seconds_later
    os.utime(new, (published, published))
    new.replace(readers)


@pytest.fixture
def readers(tmp_path: Path) -> Path:
    return tmp_path / "readers.db"


def test_each_hour_is_told_once_with_its_visitors_the_wait_of_95_percent_and_how_soon_it_was_proved(readers):
    news = HourNews(readers)
    assert news.lines() == []
    publish(readers, {0: "proved"})
    said = (
        "01 Mar 14:00 complete: 2 venues, 8,412 visitors, 95 % waited up to 12.0 min at the sellers; "
        "proved 21 s after its last message"
    )
    assert news.lines() == [said]
    assert news.lines() == []
    publish(readers, {0: "proved", 1: "proved"}, seconds_later=45)
    assert news.lines() == [said.replace("14:00", "15:00").replace("21 s", "45 s")]


def test_hours_from_before_are_no_news(readers):
    publish(readers, {0: "proved"})
    assert HourNews(readers).lines() == []


def test_an_hour_is_told_when_it_is_proved_not_while_a_receipt_is_missing(readers):
    news = HourNews(readers)
    publish(readers, {0: "unproved"})
    assert news.lines() == []
    publish(readers, {0: "proved"}, seconds_later=60)
    assert [line[:15] for line in news.lines()] == ["01 Mar 14:00 co"]


def test_a_copy_without_marts_is_looked_at_again(readers):
    news = HourNews(readers)
    duckdb.connect(readers).close()
    assert news.lines() == []
    publish(readers, {0: "proved"})
    assert len(news.lines()) == 1
