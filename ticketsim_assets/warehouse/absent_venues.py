"""Venues of which no receipt has come, although the receipts of their run declare them (``run_venues``).

The view ``raw.reconciliation`` compares what has arrived, hour by hour. Whether a venue is missing altogether depends
on all hours of its run, so it is asked here, and of those runs only that lack a venue in the hours in question.
"""

from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple

from ticketsim_assets.warehouse.protocol import Reader

_EVENTS: Final = "raw.events"

#: True of every row: BigQuery refuses to read all days of a table unless it is asked in this way.
_EVERY_DAY: Final = "(event_date is null or event_date is not null)"


class AbsentVenues(NamedTuple):
    """An hour of a run of which fewer venues have sent receipts than its receipts declare."""

    run_id: str
    venues: str  #: how many, in words that stand where a venue's id does
    hour_start: datetime  #: as the engine returns it, UTC
    state: Literal["unproved", "wrong"]
    difference: str


def hours_without_a_venue(
    reader: Reader, start: datetime | None = None, end: datetime | None = None
) -> list[AbsentVenues]:
    """Return every hour with receipts of a run that has sent fewer venues' receipts than it declares, ordered.

    It is wrong once every venue that has sent receipts has sent its last: nothing more is to come. Until then it is
    unproved.

    Args:
        reader: the warehouse, with raw.events.
        start: first hour, aware; None: from the beginning.
        end: the first moment after the last hour, aware; None: to the end.
    """
    condition, parameters = within(start, end)
    lacking = _runs_lacking_venues(reader, condition, parameters)
    if lacking and not (start is end is None):
        lacking = _runs_lacking_venues(reader, f"{_EVERY_DAY} and {_one_of(lacking)}", list(lacking))
    if not lacking:
        return []
    hours = reader.execute(
        f"""
        select distinct run_id, hour_start from {reader.named(_EVENTS)}
        where event_type = 'hour_closed' and hour_start is not null and {condition} and {_one_of(lacking)}
        order by run_id, hour_start
        """,  # noqa: S608 names and placeholders of our own
        [*parameters, *lacking],
    ).fetchall()
    return [AbsentVenues(run_id, *_about(hour_start, *lacking[run_id])) for run_id, hour_start in hours]


def _about(
    hour_start: datetime, declared: int, heard: int, finished: int
) -> tuple[str, datetime, Literal["unproved", "wrong"], str]:
    venues = f"({declared - heard} of {declared} without receipts)"
    said = f"the run's receipts declare {declared} venues, and receipts of {heard} have come"
    if finished == heard:
        return venues, hour_start, "wrong", f"{said}, the last ones too"
    return venues, hour_start, "unproved", f"{said} so far"


def _runs_lacking_venues(reader: Reader, condition: str, parameters: list[Any]) -> dict[str, tuple[int, int, int]]:
    """Return how many venues each run declares, has receipts of and has final receipts of, if the first is largest.

    Args:
        reader: the warehouse.
        condition: which receipts to read.
        parameters: those of the condition.
    """
    rows = reader.execute(
        f"""
        select run_id, max(run_venues), count(distinct venue_id), count(distinct case when final then venue_id end)
        from {reader.named(_EVENTS)} where event_type = 'hour_closed' and {condition}
        group by run_id having count(distinct venue_id) < max(run_venues)
        """,  # noqa: S608 names and placeholders of our own
        parameters,
    ).fetchall()
    return {run_id: (declared, heard, finished) for run_id, declared, heard, finished in rows}


def _one_of(runs: dict[str, Any]) -> str:
    return f"run_id in ({', '.join('?' * len(runs))})"


def within(start: datetime | None, end: datetime | None) -> tuple[str, list[Any]]:
    """Return the condition for hours from ``start`` until ``end``, and its parameters."""
    conditions, parameters = [_EVERY_DAY], list[Any]()
    # event_date is what lets a long history be skipped: the view's hour_start is calculated
    if start is not None:
        conditions.append("event_date >= ? and hour_start >= ?")
        parameters += [_naive(start).date(), _naive(start)]
    if end is not None:
        conditions.append("event_date <= ? and hour_start < ?")
        parameters += [_naive(end).date(), _naive(end)]
    return " and ".join(conditions), parameters


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
