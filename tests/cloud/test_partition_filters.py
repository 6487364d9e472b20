import pytest

from .partition_filters import unfiltered

DAY = "event_date between date '2026-03-01' and date '2026-03-01'"


@pytest.mark.parametrize(
    "statement",
    [
        f"select * from p.raw.events where {DAY} and (venue_id = 'a' or venue_id = 'b')",
        "select * from p.raw.events where (event_date is null or event_date is not null)",
        f"delete from p.raw.events where event_date >= date '2026-03-01' and (({DAY} and line = 1) or line = 2)",
        f"with it as (select * from p.raw.events as e where e.{DAY}) select * from it",
        f"insert into p.raw.events (a) select a from p.raw.events where {DAY}",
        "create or replace view v as select * from p.raw.events",
        "select * from p.raw.receipts",
    ],
)
def test_a_conjunct_of_the_partitioning_column_alone_is_a_filter(statement):
    assert not list(unfiltered(statement, ["events"], "event_date"))


@pytest.mark.parametrize(
    "statement",
    [
        "select * from p.raw.events",
        "select * from p.raw.events where line = 1",
        f"select * from p.raw.events where ({DAY} and line = 1) or (event_date >= date '2026-03-01' and line = 2)",
        f"delete from p.raw.events where {DAY} or line = 2",
        f"select * from (select * from p.raw.events) where {DAY}",
        "begin transaction; delete from p.raw.events where line = 1; commit transaction",
    ],
)
def test_a_statement_without_one_is_found(statement):
    [found] = unfiltered(statement, ["events"], "event_date")
    assert found.startswith("events: ")
