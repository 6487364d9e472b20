"""What the lake sensor does: follow the table's versions, report what came, find complete hours, ask for those due.

Four steps over one version of the lake: `fold_commits` and `fold_forgotten`, `evaluate_pending`, `report_rows` and
`report_complete`, `request_loads`. The cursor is small JSON. A tick reads only commits after the cursor's version and
the receipts of hours that are pending; its cost does not grow with the table's history. If the log before the cursor
was cleaned, or there is too much of it, the tick resynchronises from the table's state. So it does with hours that had
no partition until now.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import dagster as dg

from streaming.lake.forgotten_runs import read_forgotten_runs
from streaming.lake.reader import Lake, Snapshot
from ticketsim_assets.hours.cursor import LakeCursor
from ticketsim_assets.hours.due import Request
from ticketsim_assets.hours.load_requests import request_loads
from ticketsim_assets.hours.pending import evaluate_pending, fold_commits, fold_forgotten
from ticketsim_assets.hours.reports import report_complete, report_rows


@dataclass(frozen=True, slots=True)
class TickResult:
    """What one tick found."""

    cursor: LakeCursor
    reports: tuple[dg.AssetMaterialization, ...] = ()
    hourly: tuple[Request, ...] = ()
    quarantine: tuple[Request, ...] = ()
    notes: tuple[str, ...] = field(default=())  #: why hours are pending, rows that have no partition


def evaluate_lake(
    lake: Lake,
    snapshot: Snapshot,
    instance: dg.DagsterInstance,
    cursor: LakeCursor,
    *,
    now: datetime,
    first_hour: datetime,
    lateness: timedelta,
    lag: int | None,
    first_loads: bool,
    debounce: timedelta,
    sound: bool = True,
) -> TickResult:
    """Look at the lake once.

    Args:
        lake: the lake; its table must exist.
        snapshot: the version to look at; what is committed meanwhile is left to the next tick.
        instance: Dagster's instance, for what was reported and loaded before.
        cursor: where the last look ended.
        now: the wall clock.
        first_hour: start of the first partition.
        lateness: how long missing receipts hold an hour back after its last commit.
        lag: messages that the stream has not committed; None if unknown.
        first_loads: ask for first loads too; otherwise they are offered in the cursor, and only reloads are asked for.
        debounce: how long after its first change an hour is loaded again.
        sound: whether the lake holds each consumed offset once; while it does not, loads would be refused, and nothing
            is asked for.
    """
    forgotten = read_forgotten_runs(lake)
    early = fold_commits(lake, snapshot, instance, cursor, first_hour)
    fold_forgotten(forgotten, cursor, first_hour)
    complete, waiting = evaluate_pending(snapshot, instance, cursor, forgotten, now=now, lateness=lateness, lag=lag)
    reports = [*report_rows(snapshot, cursor, now), *report_complete(complete)]
    hourly, quarantine = request_loads(
        instance, cursor, now=now, debounce=debounce, first_loads=first_loads, sound=sound
    )
    return TickResult(cursor, tuple(reports), tuple(hourly), tuple(quarantine), (*early, *waiting))
