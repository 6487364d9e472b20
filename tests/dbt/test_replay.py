"""The days that the page replays, read from real marts: the page's model gives every wait that the facts have."""

from datetime import timedelta

import duckdb
import pytest

from ticketsim_assets.dashboard.replay import read_replay
from ticketsim_assets.warehouse.duckdb_connection import DuckDBReader

from ..ticketsim_assets.dashboard.replay_model import run_model, waits_of
from .conftest import FIRST_HOUR

pytestmark = pytest.mark.slow

FIRST_DAY = FIRST_HOUR.replace(hour=0)
NEXT_DAY = FIRST_DAY + timedelta(days=1)
_10_MS = 10_000


def replayed(warehouse):
    """Both days of both venues: people stand in line at midnight, at north in lines of their own, at south in one."""
    days = [(venue, day) for venue in ("north", "south") for day in (FIRST_DAY, NEXT_DAY)]
    with duckdb.connect(warehouse.path, read_only=True) as connection:
        return read_replay(DuckDBReader(connection), "run", days)


def farthest(waits: list[int], others: list[int]) -> int:
    return max(abs(one - other) for one, other in zip(waits, others, strict=True))


def test_the_model_gives_every_wait_of_the_facts_within_ten_milliseconds(built):
    days = replayed(built)
    assert [(day.venue_id, day.sellers, day.scanners) for day in days[::2]] == [("north", 3, 2), ("south", 3, 2)]
    for day, [found] in zip(days, run_model([(day, [None]) for day in days]), strict=True):
        facts = waits_of(day)
        assert max(facts.sellers) > 20_000_000
        assert farthest(found.sellers, facts.sellers) <= _10_MS
        assert farthest(found.scanners, facts.scanners) <= _10_MS


def test_every_visitor_is_replayed_on_the_day_of_arrival_and_on_the_next_if_still_there_at_midnight(built):
    for venue in ("north", "south"):
        first, following = (day for day in replayed(built) if day.venue_id == venue)
        [told] = built.rows(f"""
            select
                count(*) filter (where arrived_at < '{NEXT_DAY:%Y-%m-%d}') as came_first,
                count(distinct group_id) filter (where admitted_at >= '{NEXT_DAY:%Y-%m-%d}') as groups_still_there,
                count(distinct group_id) filter (
                    where arrived_at < '{NEXT_DAY:%Y-%m-%d}' and admitted_at >= '{NEXT_DAY:%Y-%m-%d}'
                ) as groups_at_midnight
            from marts.fct_visitor_journeys where venue_id = '{venue}' and is_complete
        """)
        assert sum(sum(group.admits) for group in first.groups) == told["came_first"]
        assert len(following.groups) == told["groups_still_there"]
        assert sum(group.arrived_us < 0 for group in following.groups) == told["groups_at_midnight"] > 0


def test_there_are_at_least_as_many_sellers_and_scanners_as_lines(built):
    built.execute("update marts.dim_venues set sellers = 1, scanners = 1")
    assert [(day.sellers, day.scanners) for day in replayed(built)] == [(3, 2), (3, 2), (1, 1), (1, 1)]
