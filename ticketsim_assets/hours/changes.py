"""Changed hours of the lake, from the log's new commits, or from the table's state where there are too many."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import dagster as dg

from streaming.exceptions import LogCleaned
from streaming.hour import Hour
from streaming.lake.layout import QUARANTINE
from streaming.lake.reader import Lake, Snapshot
from ticketsim_assets.hours.run_history import last_reported
from ticketsim_assets.keys import LAKE_KEYS

#: Above this many commits the table's state is read instead; a day has 720.
MAX_COMMITS: Final = 1_500

#: Pairs of event type and hour per tick: reporting one costs 6-7 ms, and a tick must end within 60 s.
MAX_CHANGES: Final = 1_500


@dataclass(frozen=True, slots=True)
class Change:
    """The newest commit that changed an event type's rows of an hour."""

    version: int
    committed_at: datetime


#: By event type and hour.
Changes = dict[tuple[str, Hour], Change]


def changes_since(lake: Lake, snapshot: Snapshot, version: int, instance: dg.DagsterInstance) -> tuple[Changes, int]:
    """Return what changed after ``version``, and the version up to which the log was read."""
    changes: Changes = {}
    if snapshot.version - version > MAX_COMMITS:
        return _resynchronise(snapshot, instance), snapshot.version
    try:
        for commit in lake.commits(version, snapshot.version):
            version = commit.version
            for file in commit.added + commit.removed:
                changes[file.event_type, file.hour] = Change(commit.version, commit.committed_at)
            if len(changes) >= MAX_CHANGES:
                break
    except LogCleaned:
        return _resynchronise(snapshot, instance), snapshot.version
    return changes, version


def all_before(end: datetime, snapshot: Snapshot, instance: dg.DagsterInstance) -> Changes:
    """Return every hour of the table before ``end``; rows without a partition when they came are in no later commit."""
    return _resynchronise(snapshot, instance, end)


def _resynchronise(snapshot: Snapshot, instance: dg.DagsterInstance, end: datetime | None = None) -> Changes:
    """Return every hour of the table, before ``end`` if given, as changed now unless its rows equal the last report."""
    types: dict[Hour, set[str]] = {}
    rows: dict[Hour, int] = {}
    for file in snapshot.files():
        types.setdefault(file.hour, set()).add(file.event_type)
        if file.event_type != QUARANTINE:
            rows[file.hour] = rows.get(file.hour, 0) + file.rows
    now = datetime.now(UTC)
    changes: Changes = {}
    for hour in _emptied(snapshot, instance):
        types.setdefault(hour, set()).add(QUARANTINE)
    for hour, event_types in types.items():
        if end is not None and hour.start >= end:
            continue
        known = last_reported(instance, hour)
        same = known is not None and known.rows == rows.get(hour, 0)
        version = known.fingerprint if known is not None and same else snapshot.version
        for name in event_types:
            # What was reported says nothing about the hour's quarantine.
            changes[name, hour] = Change(snapshot.version if name == QUARANTINE else version, now)
    return changes


def _emptied(snapshot: Snapshot, instance: dg.DagsterInstance) -> set[Hour]:
    """Return the hours of arrival that were reported with messages and have none left after reprocessing."""
    reported = {Hour.from_key(key) for key in instance.get_materialized_partitions(LAKE_KEYS[QUARANTINE])}
    return reported - {file.hour for file in snapshot.files() if file.event_type == QUARANTINE}
