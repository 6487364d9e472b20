"""Loads from the lake into the warehouse's raw tables: whole hours, from the files of one Delta version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streaming.hour import Hour
from streaming.lake.forgotten_runs import ForgottenRuns
from streaming.lake.layout import QUARANTINE
from streaming.lake.reader import Snapshot
from ticketsim_assets.exceptions import HourIncomplete
from ticketsim_assets.hours.completeness import missing_receipts, short_exactly
from ticketsim_assets.hours.receipts import Receipts, distinct_events, hour_evidence
from ticketsim_assets.hours.run_history import Reported
from ticketsim_assets.warehouse.protocol import Warehouse


@dataclass(frozen=True, slots=True)
class LoadedHour:
    """The result of loading one hour."""

    hour: Hour
    rows: int  #: in the warehouse, each event once
    copies: int  #: rows of the lake that were skipped because an event with their run, venue and event_id was loaded
    files: int
    missing: tuple[str, ...] = ()  #: what the hour lacked; empty unless it was late or its load was forced
    forgotten: tuple[str, ...] = ()  #: ids of the forgotten runs that the hour is known to have had
    forgotten_rows: int = 0  #: rows of the lake that were skipped because their run is forgotten


def load_events(
    snapshot: Snapshot,
    warehouse: Warehouse,
    hours: Sequence[Hour],
    reported: Mapping[Hour, Reported | None],
    forgotten: ForgottenRuns,
    *,
    allow_incomplete: bool,
) -> list[LoadedHour]:
    """Replace ``hours`` of raw.events by what ``snapshot`` holds, in one transaction.

    Args:
        snapshot: The version of the lake to load.
        warehouse: The warehouse to load into.
        hours: The hours; they may have no rows.
        reported: The newest lake/complete of each hour; one that is complete by lateness is loaded as it is.
        forgotten: The runs that count for nothing; whatever the lake has of them is left out.
        allow_incomplete: Load incomplete hours as they are.

    Raises:
        HourIncomplete: An hour lacks receipts or rows; nothing was loaded.
    """
    files = {hour: [f for f in snapshot.files(hour) if f.event_type != QUARANTINE] for hour in hours}
    events = distinct_events(snapshot, files, forgotten.ids)
    receipts = Receipts(snapshot, forgotten.ids)
    receipts.read(hours)
    missing: dict[Hour, tuple[str, ...]] = {}
    for hour in hours:
        distinct = events[hour].distinct
        evidence = hour_evidence(receipts, hour, frozenset(run_id for run_id, _, _ in distinct))
        missing[hour] = (*missing_receipts(evidence), *short_exactly(evidence.receipts, distinct))
        known = reported.get(hour)
        late = known is not None and known.complete_by == "lateness"
        if missing[hour] and not late and not allow_incomplete:
            raise HourIncomplete(
                f"Hour {hour} is not complete: {'; '.join(missing[hour])}. "
                "Wait for the stream, or load it as it is with --allow-incomplete."
            )
    uris = {hour: [snapshot.uri(f) for f in files[hour]] for hour in hours}
    rows = warehouse.replace_hours("events", uris, tuple(forgotten))
    return [
        LoadedHour(
            hour=hour,
            rows=rows[hour],
            copies=sum(file.rows for file in files[hour]) - events[hour].forgotten - rows[hour],
            files=len(files[hour]),
            missing=missing[hour],
            forgotten=forgotten.of(hour),
            forgotten_rows=events[hour].forgotten,
        )
        for hour in hours
    ]


def load_quarantine(snapshot: Snapshot, warehouse: Warehouse, hours: Sequence[Hour]) -> list[LoadedHour]:
    """Replace ``hours``, by arrival, of raw.quarantine by what ``snapshot`` holds, in one transaction."""
    files = {hour: [f for f in snapshot.files(hour) if f.event_type == QUARANTINE] for hour in hours}
    rows = warehouse.replace_hours("quarantine", {hour: [snapshot.uri(f) for f in files[hour]] for hour in hours})
    return [LoadedHour(hour, rows[hour], 0, len(files[hour])) for hour in hours]
