"""What the warehouse holds against the simulation's receipts: read from the view ``raw.reconciliation``.

The view compares live over raw.events, so what is read here is true at this moment, whatever was built before. It
compares what has arrived; a venue of which nothing has arrived is found by `ticketsim_assets.warehouse.absent_venues`.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final, Literal

from simulator.events import EventType
from ticketsim_assets.exceptions import NothingToReconcile
from ticketsim_assets.warehouse.absent_venues import AbsentVenues, hours_without_a_venue, within
from ticketsim_assets.warehouse.mart_figures import WHOSE, MartFigures, read_mart_figures
from ticketsim_assets.warehouse.protocol import Reader
from ticketsim_assets.warehouse.reconciliation_view import RECONCILIATION

VIEWS: Final = (RECONCILIATION, "marts.reconciliation_hourly")
"""Where the comparison is read, the first that is there: a warehouse of the release before this one has it in its marts
only, until its next load."""

State = Literal["proved", "counted", "unproved", "wrong"]
"""`counted`: equal to its receipt in number and duration, but the receipt has no digest, so contents are unknown."""


@dataclass(frozen=True, slots=True)
class Venue:
    """One venue of one run, over all of its hours."""

    run_id: str
    venue_id: str
    first_hour: datetime  #: UTC
    last_hour: datetime  #: UTC
    hours: int
    events: int  #: in the warehouse, of the seven activities
    proved: int  #: pairs of hour and event type
    counted: int
    unproved: int
    wrong: int

    @property
    def state(self) -> State:
        """The worst state of its hours and event types."""
        return worst(self.proved, self.counted, self.unproved, self.wrong)


@dataclass(frozen=True, slots=True)
class Problem:
    """One hour and event type of a venue that is not proved."""

    run_id: str
    venue_id: str
    hour: datetime  #: UTC
    event_type: str
    state: State
    expected_count: int | None  #: None without a receipt
    actual_count: int
    difference: str

    def __str__(self) -> str:
        """Describe the problem in one line: run, venue, hour and event type."""
        return (
            f"{self.state}: run {self.run_id}, venue {self.venue_id}, hour {self.hour:%Y-%m-%dT%H:%MZ}, "
            f"{self.event_type}: {self.difference}"
        )


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """All that the warehouse holds, compared with its receipts."""

    venues: tuple[Venue, ...]
    problems: tuple[Problem, ...]
    figures: MartFigures  #: of the marts

    @property
    def proved(self) -> int:
        """Combinations of run, venue, hour and event type that equal their receipt."""
        return sum(venue.proved for venue in self.venues)

    @property
    def counted(self) -> int:
        """Combinations that equal a receipt without a digest."""
        return sum(venue.counted for venue in self.venues)

    @property
    def unproved(self) -> int:
        """Combinations without a receipt."""
        return sum(venue.unproved for venue in self.venues)

    @property
    def wrong(self) -> int:
        """Combinations that differ from their receipt."""
        return sum(venue.wrong for venue in self.venues)

    @property
    def state(self) -> State:
        """The worst state of all, the marts' figures included."""
        return worst(
            self.proved,
            self.counted + self.figures.counted,
            self.unproved + self.figures.unproved,
            self.wrong + self.figures.wrong,
        )


def worst(proved: int, counted: int, unproved: int, wrong: int) -> State:
    """Return the worst state that occurs; an empty warehouse is unproved."""
    if wrong:
        return "wrong"
    if unproved or not proved + counted:
        return "unproved"
    return "counted" if counted else "proved"


def find_view(connection: Reader) -> str:
    """Return the schema and name of the view, which the first load creates.

    Raises:
        NothingToReconcile: the warehouse has none yet.
    """
    for view in VIEWS:
        if connection.has(view):
            return view
    raise NothingToReconcile(
        f"the warehouse has no {RECONCILIATION} yet: no hour was materialised. "
        "Run `ticketsim demo`, or `ticketsim materialize` on a lake with complete hours."
    )


def read_reconciliation(
    connection: Reader, start: datetime | None = None, end: datetime | None = None
) -> Reconciliation:
    """Compare all runs, venues, hours and event types in the warehouse, and the marts' figures, with their receipts.

    Args:
        connection: the warehouse.
        start: first hour, aware; None: from the beginning. Days before it are not read.
        end: the first moment after the last hour, aware; None: to the end. Days after it are not read.

    Raises:
        NothingToReconcile: the warehouse has no view to compare with yet, or holds no hour.
    """
    view = find_view(connection)
    condition, parameters = within(start, end)
    # One pass, because the view reads all of raw: what is proved is a row per hour, all else stands for itself.
    rows = connection.execute(
        f"""
        select {WHOSE}, hour_start, case when state <> 'proved' then event_type end as event_type, state,
            count(*), cast(sum(actual_count) as bigint), max(expected_count), max(difference)
        from {connection.named(view)} where {condition} group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4
        """,  # noqa: S608 the view's name is a constant
        parameters,
    ).fetchall()
    if not rows:
        raise NothingToReconcile(
            f"the warehouse holds no hour {'yet' if start is end is None else 'of that range'}. "
            "Run `ticketsim demo`, or `ticketsim materialize` on a lake with complete hours."
        )
    if not _compares_contents(connection, view):
        rows = [(*row[:4], "counted" if row[4] == "proved" else row[4], *row[5:]) for row in rows]
    absences = [*map(_absence, hours_without_a_venue(connection, start, end))]
    by_venue = groupby(rows, key=lambda row: (row[0], row[1]))
    venues = [_venue(run_id, venue_id, list(of_venue)) for (run_id, venue_id), of_venue in by_venue]
    digested = {venue.run_id for venue in venues if venue.proved}
    problems = [
        _problem(*row[:5], expected, actual, difference)
        for *row, _, actual, expected, difference in rows
        if row[4] in {"unproved", "wrong"} or (row[4] == "counted" and row[0] in digested)
    ]
    venues = sorted([*venues, *_absent_venues(absences)], key=lambda v: (v.run_id, v.venue_id))
    figures = read_mart_figures(connection, start, end)
    return Reconciliation(venues=tuple(venues), problems=_worst_first([*absences, *problems]), figures=figures)


def read_problems(
    connection: Reader, start: datetime | None = None, end: datetime | None = None
) -> tuple[Problem, ...]:
    """Return what is wrong, then what is unproved, each by run, venue, hour and event type.

    Args:
        connection: the warehouse, with the view.
        start: first hour, aware; None: from the beginning.
        end: the first moment after the last hour, aware; None: to the end.
    """
    condition, parameters = within(start, end)
    rows = connection.execute(
        f"""
        select {WHOSE}, hour_start, event_type, state, expected_count, actual_count, difference
        from {connection.named(find_view(connection))} where state in ('unproved', 'wrong') and {condition}
        """,  # noqa: S608 the view's name is a constant
        parameters,
    ).fetchall()
    problems = [*map(_absence, hours_without_a_venue(connection, start, end)), *(_problem(*row) for row in rows)]
    return _worst_first(problems)


def _worst_first(problems: list[Problem]) -> tuple[Problem, ...]:
    order = ("wrong", "unproved", "counted")
    return tuple(sorted(problems, key=lambda p: (order.index(p.state), p.run_id, p.venue_id, p.hour, p.event_type)))


def _compares_contents(connection: Reader, view: str) -> bool:
    """Return whether the view compares digests; that of a release before this one calls proved what it has counted."""
    nothing = connection.execute(
        f"select * from {connection.named(view)} where event_date = date '2000-01-01' limit 0"  # noqa: S608 a constant
    )
    return "expected_digest" in {column[0] for column in nothing.description}


def _absence(found: AbsentVenues) -> Problem:
    return Problem(
        run_id=found.run_id,
        venue_id=found.venues,
        hour=found.hour_start.replace(tzinfo=UTC),
        event_type=EventType.HOUR_CLOSED,
        state=found.state,
        expected_count=None,
        actual_count=0,
        difference=found.difference,
    )


def _absent_venues(problems: list[Problem]) -> Iterator[Venue]:
    """Yield one `Venue` for those of a run that have sent no receipt, over the hours of ``problems``."""
    for run_id, venue_id in {(problem.run_id, problem.venue_id): None for problem in problems}:
        of_run = [problem for problem in problems if problem.run_id == run_id]
        hours = [problem.hour for problem in of_run]
        wrong = sum(problem.state == "wrong" for problem in of_run)
        yield Venue(run_id, venue_id, min(hours), max(hours), len(hours), 0, 0, 0, len(hours) - wrong, wrong)


def _venue(run_id: str, venue_id: str, rows: list[Any]) -> Venue:
    """Return the venue of ``rows``, in the columns of `read_reconciliation`, ordered by hour."""
    hours = [row[2].replace(tzinfo=UTC) for row in rows]
    states: Counter[str] = Counter()
    for row in rows:
        states[row[4]] += row[5]
    return Venue(
        run_id,
        venue_id,
        first_hour=hours[0],
        last_hour=hours[-1],
        hours=len(set(hours)),
        events=sum(row[6] for row in rows),
        proved=states["proved"],
        counted=states["counted"],
        unproved=states["unproved"],
        wrong=states["wrong"],
    )


def _problem(run_id: str, venue_id: str, hour: datetime, *rest: Any) -> Problem:
    return Problem(run_id, venue_id, hour.replace(tzinfo=UTC), *rest)
