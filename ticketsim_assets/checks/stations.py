"""Where something was lost: the events of each station, per run, venue, hour and event type, against what was produced.

What was produced is what the receipts count. The lake is held to them by the rule of the warehouse itself: the hours
in question are loaded into a warehouse of the comparison's own, so that copies, forgotten runs, contents and
contradictions are seen as the loader sees them. Events of the marts are the rows of facts; what
`ticketsim_assets.warehouse.mart_figures` finds wrong with figures counts as a difference of the marts as well.
"""

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from simulator.events import EventType
from streaming.hour import Hour
from streaming.lake.forgotten_runs import ForgottenRuns
from streaming.lake.layout import QUARANTINE
from streaming.lake.reader import Snapshot
from ticketsim_assets.checks.differing_events import MOST_HOURS
from ticketsim_assets.checks.reconciliation import find_view
from ticketsim_assets.exceptions import NothingToReconcile
from ticketsim_assets.hours.receipts import Receipts, distinct_events
from ticketsim_assets.warehouse.absent_venues import within
from ticketsim_assets.warehouse.duckdb_warehouse import DuckDBWarehouse
from ticketsim_assets.warehouse.mart_figures import FigureProblem
from ticketsim_assets.warehouse.protocol import Reader
from ticketsim_assets.warehouse.wait_policy import NO_WAIT

Station = Literal["produced", "kafka", "lake", "warehouse", "marts"]


@dataclass(frozen=True, slots=True)
class CountedBy:
    """A mart by whose rows, or by a sum over them, the events of one type are counted."""

    mart: str
    events: str = "count(*)"
    condition: str = "true"


#: A type that is not here is in marts as a part of figures only.
COUNTED_BY: Final[Mapping[EventType, CountedBy]] = {
    EventType.BUS_ARRIVAL: CountedBy("marts.agg_venue_hourly", "sum(buses)"),
    EventType.WAIT_IN_SELLER_LINE: CountedBy("marts.fct_queue_waits", condition="stage = 'seller'"),
    EventType.BUY_TICKETS: CountedBy("marts.fct_ticket_sales"),
    EventType.WAIT_IN_SCANNER_LINE: CountedBy("marts.fct_queue_waits", condition="stage = 'scanner'"),
    EventType.SCAN_TICKETS: CountedBy("marts.fct_admissions"),
}


class Place(NamedTuple):
    """What a receipt counts."""

    run_id: str
    venue_id: str
    hour: Hour
    event_type: str


@dataclass(frozen=True, slots=True)
class Compared:
    """The events of one place at one station, as the view ``raw.reconciliation`` compares them."""

    count: int
    digest: int | None = None
    expected_count: int | None = None
    expected_digest: int | None = None
    state: str | None = None
    difference: str | None = None


@dataclass(frozen=True, slots=True)
class Stations:
    """The events of one place at all stations."""

    place: Place
    produced: int | None  #: None without a receipt
    lake: int
    warehouse: int | None  #: None while the hour is not loaded
    marts: int | None  #: None where no mart counts them, or the hour is not loaded
    digests: Mapping[str, int | None] = field(default_factory=dict)  #: of produced, lake and warehouse, where known
    first: Station | None = None  #: the first that differs from what was produced
    difference: str = ""  #: how, in words


@dataclass(frozen=True, slots=True)
class Comparison:
    """All stations of some hours."""

    totals: Mapping[str, int]  #: events of produced, receipts, lake, warehouse, hours, marts, counted_by_marts
    differing: tuple[Stations, ...]  #: places that are not right, by hour, run, venue and event type
    unexamined: int = 0  #: hours with differences beyond ``MOST_HOURS``, of which the lake's contents were not compared


def compare_stations(
    reader: Reader | None,
    snapshot: Snapshot,
    forgotten: ForgottenRuns,
    figures: Iterable[FigureProblem] = (),
    *,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Comparison:
    """Compare the stations of all hours, or of some; the ids of all their events in the lake are read.

    Args:
        reader: The warehouse; None if there is none yet.
        snapshot: The lake.
        forgotten: The runs that count for nothing.
        figures: What is wrong with the marts' figures.
        start: First hour, aware; None: from the beginning.
        end: The first moment after the last hour, aware; None: to the end.
    """
    hours = sorted(
        hour
        for hour in snapshot.hours()
        if (start is None or hour.start >= start) and (end is None or hour.start < end)
    )
    found = _Found(
        produced=_produced(snapshot, hours, forgotten.ids),
        lake=_in_lake(snapshot, hours, forgotten.ids),
        warehouse=_in_warehouse(reader, start, end) if reader else {},
        marts=_in_marts(reader, start, end) if reader else {},
        figures={_place_of(problem): problem.difference for problem in figures if problem.state == "wrong"},
    )
    suspects = sorted(place for place in found.places() if found.is_suspect(place))
    suspected = sorted({place.hour for place in suspects})
    of_lake = _as_the_loader_sees(snapshot, suspected[:MOST_HOURS], forgotten)
    stations = (found.stations(place, of_lake.get(place)) for place in sorted(suspects, key=lambda p: (p.hour, p)))
    return Comparison(
        totals=found.totals(),
        differing=tuple(each for each in stations if each.first),
        unexamined=max(0, len(suspected) - MOST_HOURS),
    )


@dataclass(frozen=True)
class _Found:
    """What each station has, by place."""

    produced: Mapping[Place, int]
    lake: Mapping[Place, int]
    warehouse: Mapping[Place, Compared]
    marts: Mapping[Place, int]
    figures: Mapping[Place, str]

    def places(self) -> Set[Place]:
        return {*self.produced, *self.lake, *self.warehouse, *self.marts, *self.figures}

    def is_suspect(self, place: Place) -> bool:
        loaded = self.warehouse.get(place)
        return (
            loaded is None
            or loaded.state not in {"proved", "counted"}
            or place in self.figures
            or len({self._produced_of(place), self.lake.get(place, 0), loaded.count}) > 1
            or self._marts_of(place) not in {None, loaded.count}
        )

    def stations(self, place: Place, of_lake: Compared | None) -> Stations:
        loaded = self.warehouse.get(place)
        first, difference = next(self._differences(place, of_lake), (None, ""))
        return Stations(
            place,
            produced=self._produced_of(place),
            lake=self.lake.get(place, 0),
            warehouse=loaded.count if loaded else None,
            marts=self._marts_of(place),
            digests={
                "produced": of_lake.expected_digest if of_lake else None,
                "lake": of_lake.digest if of_lake else None,
                "warehouse": loaded.digest if loaded else None,
            },
            first=first,
            difference=difference,
        )

    def _differences(self, place: Place, of_lake: Compared | None) -> Iterator[tuple[Station, str]]:
        """Yield what differs, in the order of the stations; ``of_lake`` says what the lake's contents are."""
        produced, lake, loaded = self._produced_of(place), self.lake.get(place, 0), self.warehouse.get(place)
        if produced is not None and lake != produced:
            yield "lake", _apart(lake, produced)
        if of_lake and of_lake.state == "wrong":
            yield "lake", of_lake.difference or ""
        if loaded is None:
            yield "warehouse", "the hour is not loaded"
        else:
            yield from self._differences_of_loaded(place, lake, loaded)
        if produced is None and lake:
            yield "produced", "no receipt has come"

    def _differences_of_loaded(self, place: Place, lake: int, loaded: Compared) -> Iterator[tuple[Station, str]]:
        if loaded.count != lake:
            yield "warehouse", _apart(loaded.count, lake)
        if loaded.state == "wrong":
            yield "warehouse", loaded.difference or ""
        marts = self._marts_of(place)
        if marts is not None and marts != loaded.count:
            red = ", for the hour is red" if place.hour in self._red else ""
            yield "marts", f"{_apart(marts, loaded.count)}{red}"
        if place in self.figures:
            yield "marts", self.figures[place]

    @cached_property
    def _red(self) -> Set[Hour]:
        return {place.hour for place, loaded in self.warehouse.items() if loaded.state == "wrong"}

    def _produced_of(self, place: Place) -> int | None:
        """Return what the receipt counts; where the lake has lost it, the warehouse may have it."""
        loaded = self.warehouse.get(place)
        return self.produced.get(place, loaded.expected_count if loaded else None)

    def _marts_of(self, place: Place) -> int | None:
        if place.event_type not in COUNTED_BY or place not in self.warehouse:
            return None
        return self.marts.get(place, 0)

    def totals(self) -> dict[str, int]:
        produced = [count for place in self.places() if (count := self._produced_of(place)) is not None]
        counted = {place: loaded.count for place, loaded in self.warehouse.items() if place.event_type in COUNTED_BY}
        return {
            "produced": sum(produced),
            "receipts": len(produced),
            "lake": sum(self.lake.values()),
            "warehouse": sum(loaded.count for loaded in self.warehouse.values()),
            "hours": len({place.hour for place in self.warehouse}),
            "marts": sum(self.marts.values()),
            "counted_by_marts": sum(counted.values()),
        }


def _apart(here: int, before: int) -> str:
    """Describe how many events a station has, beside those of the one before it."""
    if here < before:
        return f"{before - here:,} of {before:,} missing"
    return f"{here - before:,} more than the {before:,} before"


def _produced(snapshot: Snapshot, hours: Sequence[Hour], forgotten: Set[str]) -> dict[Place, int]:
    receipts = Receipts(snapshot, forgotten)
    receipts.read(hours)
    return {
        Place(r.run_id, r.venue_id, hour, r.of_event_type): r.event_count for hour in hours for r in receipts.of(hour)
    }


def _in_lake(snapshot: Snapshot, hours: Sequence[Hour], forgotten: Set[str]) -> dict[Place, int]:
    uncounted = {QUARANTINE, EventType.HOUR_CLOSED}
    files = {hour: [file for file in snapshot.files(hour) if file.event_type not in uncounted] for hour in hours}
    return {
        Place(run_id, venue_id, hour, event_type): count
        for hour, events in distinct_events(snapshot, files, forgotten).items()
        for (run_id, venue_id, event_type), count in events.distinct.items()
    }


def _in_warehouse(reader: Reader, start: datetime | None, end: datetime | None) -> dict[Place, Compared]:
    try:
        view = find_view(reader)
    except NothingToReconcile:
        return {}
    condition, values = within(start, end)
    found = reader.execute(f"select * from {reader.named(view)} where {condition}", values)  # noqa: S608 a constant
    names = [column[0] for column in found.description]
    rows = (dict(zip(names, row, strict=True)) for row in found.fetchall())
    return {_place(row): _compared(row) for row in rows}


def _compared(row: Mapping[str, Any]) -> Compared:
    """Return a row of the view; that of an earlier release has no digests."""
    return Compared(
        count=row["actual_count"],
        digest=row.get("actual_digest") if row.get("expected_digest") is not None else None,
        expected_count=row["expected_count"],
        expected_digest=row.get("expected_digest"),
        state=row["state"],
        difference=row["difference"],
    )


def _in_marts(reader: Reader, start: datetime | None, end: datetime | None) -> dict[Place, int]:
    condition, values = within(start, end)
    counted = [(event_type, by) for event_type, by in COUNTED_BY.items() if reader.has(by.mart)]
    found: dict[Place, int] = defaultdict(int)
    for event_type, by in counted:
        rows = reader.execute(
            f"select run_id, venue_id, hour_start, {by.events} from {reader.named(by.mart)} "  # noqa: S608 constants
            f"where {by.condition} and {condition} group by run_id, venue_id, hour_start",
            values,
        ).fetchall()
        for run_id, venue_id, hour_start, events in rows:
            found[Place(run_id, venue_id, _hour(hour_start), event_type)] += int(events or 0)
    return dict(found)


def _as_the_loader_sees(snapshot: Snapshot, hours: Sequence[Hour], forgotten: ForgottenRuns) -> dict[Place, Compared]:
    """Compare the lake's events of ``hours`` with their receipts, in a warehouse that is gone afterwards."""
    if not hours:
        return {}
    files = {
        hour: [snapshot.uri(file) for file in snapshot.files(hour) if file.event_type != QUARANTINE] for hour in hours
    }
    with tempfile.TemporaryDirectory(prefix="ticketsim-stations-") as folder:
        loaded = DuckDBWarehouse(Path(folder) / "lake.duckdb", Path(folder) / "unused.db", NO_WAIT)
        loaded.replace_hours("events", files, tuple(forgotten))
        with loaded.reading() as reader:
            return _in_warehouse(reader, None, None)


def _place(row: Mapping[str, Any]) -> Place:
    run_id, venue_id = row["run_id"] or "(no run)", row["venue_id"] or "(no venue)"
    return Place(run_id, venue_id, _hour(row["hour_start"]), row["event_type"])


def _place_of(problem: FigureProblem) -> Place:
    return Place(problem.run_id, problem.venue_id, Hour(problem.hour), str(problem.event_type))


def _hour(start: datetime) -> Hour:
    """Return the hour that begins at a time as the engines return it: UTC, with or without a time zone."""
    return Hour.containing(start.replace(tzinfo=UTC) if start.tzinfo is None else start)
