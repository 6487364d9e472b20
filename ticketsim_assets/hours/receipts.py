"""Receipts, runs and distinct events of hours, read from the lake's files of one version.

A query costs 50 ms before it reads a row, so the hours of a range are queried together.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import duckdb

from simulator.events import EventType
from streaming.hour import Hour
from streaming.lake.duckdb_files import HIVE_TYPES, able_to_read
from streaming.lake.reader import LakeFile, Snapshot
from ticketsim_assets.hours.completeness import Evidence, Receipt

_FILES = f"read_parquet(?, hive_partitioning = true, hive_types = {HIVE_TYPES})"

_RECEIPTS = f"""
select distinct event_date, event_hour, run_id, venue_id, of_event_type, event_count, run_venues, "final"
from {_FILES}
order by all
"""  # noqa: S608 our own text

_DISTINCT_EVENTS = f"""
select event_date, event_hour, run_id, venue_id, event_type, count(distinct event_id)
from {_FILES}
group by all
"""  # noqa: S608 our own text

#: Distinct events per (run_id, venue_id, event_type).
Counts = Mapping[tuple[str, str, str], int]

#: Hours whose events are counted in one query; all their ids are in memory at once.
_COUNTED_TOGETHER: Final = 12


class Receipts:
    """The receipts of one version of the lake; each hour is read once."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Read from ``snapshot`` on demand."""
        self.snapshot = snapshot
        self._known: dict[Hour, tuple[Receipt, ...]] = {}

    def read(self, hours: Sequence[Hour]) -> None:
        """Read the receipts of ``hours`` in one query."""
        files = [f for hour in hours for f in self.snapshot.files(hour) if f.event_type == EventType.HOUR_CLOSED]
        found: defaultdict[Hour, list[Receipt]] = defaultdict(list)
        for hour, *receipt in _ask(self.snapshot, _RECEIPTS, files):
            found[hour].append(Receipt(*receipt))
        self._known |= {hour: tuple(found[hour]) for hour in hours}

    def of(self, hour: Hour) -> tuple[Receipt, ...]:
        """Return the receipts of ``hour``, each message once."""
        if hour not in self._known:
            self.read([hour])
        return self._known[hour]


def hour_evidence(receipts: Receipts, hour: Hour, runs: frozenset[str] | None = None) -> Evidence:
    """Return the receipts and runs of ``hour``.

    Args:
        receipts: The receipts of the version of the lake to read.
        hour: The hour.
        runs: Runs with events in the hour, if known; by default they are taken from the log's statistics.
    """
    of_hour = receipts.of(hour)
    with_receipts = {receipt.run_id for receipt in of_hour}
    if runs is None:
        bounds = receipts.snapshot.run_id_bounds(hour)
        runs = frozenset(bound for bound in bounds if not any(run_id.startswith(bound) for run_id in with_receipts))
    return Evidence(
        receipts=of_hour,
        runs=runs | with_receipts,
        finished=_finished_before(receipts, hour),
    )


def distinct_events(snapshot: Snapshot, files: Mapping[Hour, Sequence[LakeFile]]) -> dict[Hour, Counts]:
    """Count the distinct event ids in the files of each hour; none of the files is of the quarantine."""
    counts: dict[Hour, dict[tuple[str, str, str], int]] = {hour: {} for hour in files}
    hours = list(files)
    for first in range(0, len(hours), _COUNTED_TOGETHER):
        together = [file for hour in hours[first : first + _COUNTED_TOGETHER] for file in files[hour]]
        for hour, run_id, venue_id, event_type, count in _ask(snapshot, _DISTINCT_EVENTS, together):
            counts[hour][run_id, venue_id, event_type] = count
    return dict(counts)


def _ask(snapshot: Snapshot, query: str, files: Sequence[LakeFile]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of ``query`` over ``files``, with date and hour as one `Hour`; nothing without files."""
    if not files:
        return
    with able_to_read(duckdb.connect(), snapshot.root) as connection:
        for date_, hour, *rest in connection.execute(query, [[snapshot.uri(file) for file in files]]).fetchall():
            yield Hour.of_partition(date_, hour), *rest


def _finished_before(receipts: Receipts, hour: Hour) -> dict[str, frozenset[str]]:
    """Return the venues with final receipts in earlier hours, for the runs that lack venues in ``hour``.

    Walks back hour by hour until the run's venues are all accounted for or an hour has no receipt of it: its venues
    begin together and each sends receipts for every hour until its final ones, so there is nothing further back.
    """
    venues: dict[str, set[str]] = {}
    wanted: dict[str, int] = {}
    for receipt in receipts.of(hour):
        venues.setdefault(receipt.run_id, set()).add(receipt.venue_id)
        wanted[receipt.run_id] = receipt.run_venues
    finished: dict[str, set[str]] = {run_id: set() for run_id in venues}
    open_runs = {run_id for run_id in venues if len(venues[run_id]) < wanted[run_id]}
    earlier = hour.previous
    while open_runs:
        seen = receipts.of(earlier)
        open_runs &= {receipt.run_id for receipt in seen}
        for receipt in seen:
            if receipt.run_id in open_runs and receipt.final and receipt.venue_id not in venues[receipt.run_id]:
                finished[receipt.run_id].add(receipt.venue_id)
        open_runs = {r for r in open_runs if len(venues[r] | finished[r]) < wanted[r]}
        earlier = earlier.previous
    return {run_id: frozenset(ids) for run_id, ids in finished.items()}
