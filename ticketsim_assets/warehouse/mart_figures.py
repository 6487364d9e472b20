"""The marts' figures against the sums that receipts state: read from the view ``marts.reconciliation_marts_hourly``.

The rule is dbt's (dbt/models/marts/reconciliation_marts_hourly.sql). The view compares live, so a figure that somebody
changed after the hourly run is found as well.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from ticketsim_assets.warehouse.absent_venues import within
from ticketsim_assets.warehouse.protocol import Reader

MART_FIGURES: Final = "marts.reconciliation_marts_hourly"

#: Nothing but a change by hand leaves a row without run or venue: it is named all the same.
WHOSE: Final = "coalesce(run_id, '(no run)') as run_id, coalesce(venue_id, '(no venue)') as venue_id"


@dataclass(frozen=True, slots=True)
class FigureProblem:
    """A figure of a mart, of one run, venue and hour, that differs from its receipt; or an hour that is in no mart."""

    run_id: str
    venue_id: str
    hour: datetime  #: UTC
    mart: str | None  #: None: the hour stands in none
    measure: str | None
    event_type: str | None  #: the activity whose receipt states the sum
    state: Literal["unproved", "wrong"]
    expected: int | None
    actual: int | None
    difference: str

    def __str__(self) -> str:
        """Describe the problem in one line."""
        return (
            f"{self.state}: run {self.run_id}, venue {self.venue_id}, hour {self.hour:%Y-%m-%dT%H:%MZ}: "
            f"{self.difference}"
        )


@dataclass(frozen=True, slots=True)
class MartFigures:
    """All figures that follow from receipts, by what comparing them gave."""

    proved: int = 0
    counted: int = 0  #: the receipt, of an earlier release, does not state the sum
    unproved: int = 0  #: no receipt, or the hour stands in no mart
    wrong: int = 0
    problems: tuple[FigureProblem, ...] = ()  #: the wrong ones, then hours with receipts that stand in no mart

    @property
    def states(self) -> dict[str, int]:
        """The number of figures by what comparing them gave, the worst last."""
        return {"proved": self.proved, "counted": self.counted, "unproved": self.unproved, "wrong": self.wrong}


def read_mart_figures(connection: Reader, start: datetime | None = None, end: datetime | None = None) -> MartFigures:
    """Compare the marts' figures with the receipts of their hours.

    Args:
        connection: the warehouse; while it lacks the view, which dbt makes, nothing is compared.
        start: first hour, aware; None: from the beginning.
        end: the first moment after the last hour, aware; None: to the end.
    """
    if not connection.has(MART_FIGURES):
        return MartFigures()
    condition, parameters = within(start, end)
    # One pass, because the view reads receipts and marts: what is wrong stands for itself, all else is a row per hour.
    rows = connection.execute(
        f"""
        select {WHOSE}, hour_start,
            case when state = 'wrong' then mart end as mart,
            case when state = 'wrong' then measure end as measure,
            case when state = 'wrong' then event_type end as event_type,
            state, count(*), max(expected), max(actual), max(difference)
        from {connection.named(MART_FIGURES)} where {condition}
        group by 1, 2, 3, 4, 5, 6, 7 order by 1, 2, 3, 4, 5, 6
        """,  # noqa: S608 the view's name is a constant
        parameters,
    ).fetchall()
    counts: Counter[str] = Counter()
    problems = []
    for run_id, venue_id, hour, mart, measure, event_type, state, count, expected, actual, difference in rows:
        counts[state] += count
        if state == "wrong" or (state == "unproved" and actual is None):
            what = (mart, measure, event_type, state, expected if mart else None, actual, difference)
            problems.append(FigureProblem(run_id, venue_id, hour.replace(tzinfo=UTC), *what))
    problems.sort(key=lambda problem: problem.state == "unproved")
    return MartFigures(**counts, problems=tuple(problems))
