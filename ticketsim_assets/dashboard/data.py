"""The page's data: the marts' figures per run, venue and hour, read in one go from the warehouse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Literal

from simulator.events import ACTIVITY_TYPES, HOUR_US, EventType
from ticketsim_assets.dashboard.bins import read_edges
from ticketsim_assets.dashboard.details import DETAIL_MARTS, DETAILS, read_details
from ticketsim_assets.dashboard.hours import EPOCH, day_of, hours_since_epoch
from ticketsim_assets.dashboard.quarantine import QUARANTINE_TABLE, Quarantine, read_quarantine
from ticketsim_assets.dashboard.replay import ReplayDay, busiest_and_newest, read_replay
from ticketsim_assets.warehouse.absent_venues import hours_without_a_venue
from ticketsim_assets.warehouse.duckdb_connection import DuckDBReader, open_duckdb
from ticketsim_assets.warehouse.mart_figures import MartFigures, read_mart_figures
from ticketsim_assets.warehouse.protocol import Reader
from ticketsim_assets.warehouse.reconciliation_view import RECONCILIATION
from ticketsim_assets.warehouse.wait_policy import NO_WAIT, WaitPolicy

#: Longest range, in days, that is drawn by the hour; longer ranges are drawn by the day, as more points are noise.
HOURLY_DAYS: Final = 10

VENUE_HOURS_TABLE: Final = "marts.agg_venue_hourly"
RECEIPTS_TABLE: Final = "marts.reconciliation_hourly"
VENUES_TABLE: Final = "marts.dim_venues"

_TABLES: Final = (VENUE_HOURS_TABLE, RECEIPTS_TABLE, *DETAIL_MARTS, VENUES_TABLE, QUARANTINE_TABLE)

#: States of a receipt, the worst last.
STATES: Final = ("proved", "counted", "unproved", "wrong")

_HOUR_MS: Final = HOUR_US // 1000


@dataclass(frozen=True, slots=True)
class Activity:
    """An activity that visitors spend time on."""

    key: str  #: event type, and the prefix of its columns in ``agg_venue_hourly``
    label: str
    kind: Literal["walk", "wait", "service"]
    stage: Literal["seller", "scanner"]


def _activity(event_type: EventType, stage: Literal["seller", "scanner"]) -> Activity:
    first_word = event_type.split("_")[0]
    kind: Literal["walk", "wait", "service"]
    kind = "walk" if first_word == "walk" else "wait" if first_word == "wait" else "service"
    return Activity(event_type.value, event_type.replace("_", " ").capitalize(), kind, stage)


_TIMED: Final = tuple(event_type for event_type in ACTIVITY_TYPES if event_type is not EventType.BUS_ARRIVAL)
_FIRST_OF_SCANNERS: Final = _TIMED.index(EventType.WALK_TO_SCANNER)

#: In the order in which a visitor meets them: first what happens at the sellers, then what happens at the scanners.
ACTIVITIES: Final = tuple(
    _activity(event_type, "seller" if position < _FIRST_OF_SCANNERS else "scanner")
    for position, event_type in enumerate(_TIMED)
)

#: Sums that may be added up over any hours, runs and venues: counts, cents, and microseconds times visitors.
MEASURES: Final = (
    "buses",
    "visitors_arrived",
    "groups_served",
    "visitors_admitted",
    "revenue_cents",
    "time_in_system_us",
    *(f"{activity.key}_{part}" for activity in ACTIVITIES for part in ("visitors", "visitor_us")),
)


@dataclass(frozen=True, slots=True)
class Marts:
    """The marts in columns, as they are embedded: lists of equal length; ids are replaced by their position."""

    runs: tuple[str, ...]
    venues: tuple[str, ...]
    venue_hours: Mapping[str, Sequence[int]]
    """``run`` and ``venue`` (positions), ``hour`` (hours since the epoch) and MEASURES; ordered by hour."""
    receipts: Mapping[str, Sequence[int]]
    """``run``, ``venue``, ``hour`` as above, and how many of that hour's receipts are ``proved``."""
    details: Mapping[str, Mapping[str, Sequence[int]]]
    """The tables of DETAILS: ``run``, ``venue``, ``hour`` as above, and what stands there."""
    quarantine: Quarantine
    ended: tuple[tuple[int, int], ...]
    """Run and venue of those that have told which hour is their last one."""
    edges: tuple[int, ...]
    """Edges of the bins, whole seconds, ascending; the last bin is open."""
    offending: tuple[Mapping[str, Any], ...]
    """Every receipt that is not proved: run, venue, hour as above, type, state, expected, actual, difference; the worst
    first, then by hour."""
    figures: Mapping[str, int]
    """How many figures of the marts are in each of STATES: equal to the sums of their receipts, or not."""
    offending_figures: tuple[Mapping[str, Any], ...]
    """Figures that are not proved: as in ``offending``, with mart and measure as type and without counts."""
    missing: tuple[str, ...]
    """Tables that the warehouse does not have."""
    replay: tuple[ReplayDay, ...] = ()
    """The newest and the busiest day of each venue of the latest run."""

    @property
    def latest_run(self) -> int | None:
        """The position of the run with the newest hour (of several, the one that began last); None without runs."""
        spans: dict[int, tuple[int, int]] = {}
        for run, hour in zip(self.venue_hours["run"], self.venue_hours["hour"], strict=True):
            _, first = spans.get(run, (hour, hour))
            spans[run] = (hour, first)  # ordered by hour: the newest hour is the last one seen
        return max(spans, key=lambda run: (spans[run], run)) if spans else None

    @property
    def states(self) -> dict[str, int]:
        """The number of receipts in each of STATES, over all hours."""
        counts = dict.fromkeys(STATES, 0) | {state: sum(self.receipts[state]) for state in ("proved", "counted")}
        for receipt in self.offending:
            counts[receipt["state"]] += 1
        return counts


def read_marts(warehouse: Path, wait_policy: WaitPolicy = NO_WAIT) -> Marts:
    """Read all that the page shows from the DuckDB file ``warehouse``; a missing file or table counts as empty.

    The file is opened read-only and closed before this returns.

    Raises:
        WarehouseBusy: Another process kept the file locked for longer than ``wait_policy`` allows.
        WarehouseUnreadable: The file is not a DuckDB database that this version can open.
    """
    if not warehouse.exists():
        return _marts((), (), {}, edges=(), quarantine=Quarantine(), ended=(), figures=MartFigures(), missing=_TABLES)
    with open_duckdb(warehouse, read_only=True, wait_policy=wait_policy) as connection:
        return marts_of(DuckDBReader(connection))


def marts_of(reader: Reader) -> Marts:
    """Read all that the page shows; a missing table counts as empty.

    The mart of receipts hands on what the loader's view says. Where the first hour of all is wrong there are no marts,
    and the view itself is read.
    """
    missing = {table for table in _TABLES if not reader.has(table)}
    receipts = RECEIPTS_TABLE
    if receipts in missing and reader.has(RECONCILIATION):
        receipts = RECONCILIATION
        missing.remove(RECEIPTS_TABLE)

    def rows(query: str, table: str) -> Sequence[Sequence[Any]]:
        return () if table in missing else reader.execute(query.format(reader.named(table))).fetchall()

    venue_hours = [_located(row) for row in rows(_VENUE_HOURS, VENUE_HOURS_TABLE)]
    marts = _marts(
        venue_hours,
        [*_by_hour(rows(_RECEIPTS, receipts)), *_by_hour(_absences(reader))],
        # ordered by hour
        read_details(reader, day_of(venue_hours[-1][2] if venue_hours else 0)),
        edges=read_edges(reader),
        quarantine=read_quarantine(reader),
        ended=rows(_ENDED, VENUES_TABLE),
        figures=read_mart_figures(reader),
        missing=tuple(table for table in _TABLES if table in missing),
    )
    return replace(marts, replay=_replay(reader, marts))


def _replay(reader: Reader, marts: Marts) -> tuple[ReplayDay, ...]:
    if marts.latest_run is None:
        return ()
    found = busiest_and_newest(marts.venue_hours, marts.latest_run)
    days = [(marts.venues[venue], EPOCH + timedelta(days=day)) for venue, day in found]
    return read_replay(reader, marts.runs[marts.latest_run], days)


def _absences(reader: Reader) -> list[tuple[Any, ...]]:
    """Return the hours of runs of which venues are missing, in the columns of _RECEIPTS."""
    if not reader.has(RECONCILIATION):
        return []
    return [
        (
            found.run_id,
            found.venues,
            found.hour_start,
            0,
            0,
            EventType.HOUR_CLOSED.value,
            found.state,
            None,
            0,
            found.difference,
        )
        for found in hours_without_a_venue(reader)
    ]


def _located(row: Sequence[Any]) -> tuple[Any, ...]:
    """Return ``row`` with its third value, the start of an hour, as hours since the epoch."""
    run_id, venue_id, start, *rest = row
    return run_id, venue_id, hours_since_epoch(start), *rest


def _by_hour(receipts: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Return one row per run, venue and hour: how many receipts are proved and counted, and a list of the others."""
    hours = []
    for key, rows in groupby(map(_located, receipts), key=lambda row: row[:3]):
        proved, counted, not_proved = 0, 0, []
        for *_, proved_here, counted_here, event_type, state, expected, actual, difference in rows:
            proved += proved_here
            counted += counted_here
            if event_type is not None:
                figures = {"expected": expected, "actual": actual, "difference": difference}
                not_proved.append({"type": event_type, "state": state, **figures})
        hours.append((*key, proved, counted, not_proved))
    return hours


_VENUE_HOURS: Final = f"""
select run_id, venue_id, hour_start, {", ".join(f"coalesce({measure}, 0)" for measure in MEASURES)}
from {{}}
order by hour_start, run_id, venue_id
"""  # noqa: S608 - constants of this module

# one pass, because the view reads all of raw: what equals its receipt is one row per hour and state, all else is itself
_RECEIPTS: Final = """
select
    run_id, venue_id, hour_start,
    sum(case when state = 'proved' then 1 else 0 end),
    sum(case when state = 'counted' then 1 else 0 end),
    case when state in ('unproved', 'wrong') then event_type end as event_type,
    state,
    max(case when state in ('unproved', 'wrong') then expected_count end),
    max(case when state in ('unproved', 'wrong') then actual_count end),
    max(case when state in ('unproved', 'wrong') then difference end)
from {}
group by 1, 2, 3, 6, 7
order by hour_start, run_id, venue_id, event_type
"""

_ENDED: Final = """
select run_id, venue_id
from {}
where final_hour is not null
order by run_id, venue_id
"""


def _marts(
    venue_hours: Sequence[tuple[Any, ...]],
    receipts: Sequence[tuple[Any, ...]],
    details: Mapping[str, Sequence[tuple[Any, ...]]],
    *,
    edges: tuple[int, ...],
    quarantine: Quarantine,
    ended: Sequence[Sequence[Any]],
    figures: MartFigures,
    missing: tuple[str, ...],
) -> Marts:
    """Build the marts from rows that begin with run_id and venue_id; every id that occurs gets a position."""
    keys = [row[:2] for rows in (venue_hours, receipts, *details.values()) for row in rows]
    keys += [(problem.run_id, problem.venue_id) for problem in figures.problems]
    runs = tuple(sorted({run for run, _ in keys}))
    venues = tuple(sorted({venue for _, venue in keys}))
    run_at = {run: position for position, run in enumerate(runs)}
    venue_at = {venue: position for position, venue in enumerate(venues)}

    def columns(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, list[int]]:
        located = [(run_at[run], venue_at[venue], *rest) for run, venue, *rest in rows]
        return {name: [row[position] for row in located] for position, name in enumerate(names)}

    offending = [
        {"run": run_at[run], "venue": venue_at[venue], "hour": hour, **receipt}
        for run, venue, hour, _, _, not_proved in receipts
        for receipt in not_proved
    ]
    return Marts(
        runs=runs,
        venues=venues,
        venue_hours=columns(("run", "venue", "hour", *MEASURES), venue_hours),
        receipts=columns(("run", "venue", "hour", "proved", "counted"), [row[:5] for row in receipts]),
        details={
            name: columns(("run", "venue", "hour", *detail.columns), details.get(name, ()))
            for name, detail in DETAILS.items()
        },
        quarantine=quarantine,
        ended=tuple((run_at[run], venue_at[venue]) for run, venue in ended if run in run_at and venue in venue_at),
        edges=edges,
        offending=tuple(sorted(offending, key=lambda receipt: -STATES.index(receipt["state"]))),
        figures=figures.states,
        offending_figures=tuple(
            {
                "run": run_at[problem.run_id],
                "venue": venue_at[problem.venue_id],
                "hour": hours_since_epoch(problem.hour),
                "type": f"{problem.mart}.{problem.measure}" if problem.mart else "",
                "state": problem.state,
                "difference": problem.difference,
            }
            for problem in figures.problems
        ),
        missing=missing,
    )


def visitors_over_time(marts: Marts) -> list[dict[str, Any]]:
    """Return the visitors arrived and admitted of the latest run, all venues, as rows of the chart ``visitors``.

    One row per hour, or per day if the run is longer than HOURLY_DAYS; times are in milliseconds since the epoch.
    """
    hours = marts.venue_hours
    mine = [i for i, run in enumerate(hours["run"]) if run == marts.latest_run]
    if not mine:
        return []
    span = hours["hour"][mine[-1]] - hours["hour"][mine[0]]
    step = 1 if span < HOURLY_DAYS * 24 else 24
    totals: dict[int, list[int]] = {}
    for i in mine:
        total = totals.setdefault(hours["hour"][i] // step * step, [0, 0])
        total[0] += hours["visitors_arrived"][i]
        total[1] += hours["visitors_admitted"][i]
    return [
        {
            "t": hour * _HOUR_MS,
            "mid": hour * _HOUR_MS + step * _HOUR_MS // 2,
            "end": (hour + step) * _HOUR_MS,
            "arrived": arrived,
            "admitted": admitted,
        }
        for hour, (arrived, admitted) in sorted(totals.items())
    ]
