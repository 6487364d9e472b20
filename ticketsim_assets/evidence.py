"""What the lake holds about an hour: its receipts, runs and distinct events, read from the files of one version."""

from collections.abc import Sequence

import duckdb

from simulator.events import EventType
from streaming.hour import Hour
from streaming.lake import LakeFile, Snapshot
from streaming.layout import QUARANTINE
from ticketsim_assets.completeness import Evidence, Receipt
from ticketsim_assets.lake_sql import able_to_read

_RECEIPTS = """
select distinct run_id, venue_id, of_event_type, event_count, run_venues, "final"
from read_parquet(?, hive_partitioning = false)
order by all
"""

_DISTINCT_EVENTS = """
select run_id, venue_id, event_type, count(distinct event_id)
from read_parquet(
    ?, hive_partitioning = true, hive_types = {'event_type': varchar, 'event_date': date, 'event_hour': int}
)
group by all
"""


def hour_evidence(snapshot: Snapshot, hour: Hour, runs: frozenset[str] | None = None) -> Evidence:
    """Receipts and runs of ``hour`` in ``snapshot``.

    Args:
        snapshot: the version of the lake to read.
        hour: the hour.
        runs: runs with events in the hour, if counted; by default they are taken from the log's statistics.
    """
    receipts = receipts_of(snapshot, hour)
    with_receipts = {receipt.run_id for receipt in receipts}
    if runs is None:
        bounds = snapshot.run_id_bounds(hour)
        runs = frozenset(bound for bound in bounds if not any(run_id.startswith(bound) for run_id in with_receipts))
    return Evidence(
        receipts=receipts,
        runs=runs | with_receipts,
        finished=_finished_before(snapshot, hour, receipts),
    )


def receipts_of(snapshot: Snapshot, hour: Hour) -> tuple[Receipt, ...]:
    """The receipts for ``hour``, copies of the same message counted once."""
    paths = [snapshot.uri(f) for f in snapshot.files(hour) if f.event_type == EventType.HOUR_CLOSED]
    if not paths:
        return ()
    with able_to_read(duckdb.connect(), snapshot.root) as connection:
        return tuple(Receipt(*row) for row in connection.execute(_RECEIPTS, [paths]).fetchall())


def distinct_events(snapshot: Snapshot, files: Sequence[LakeFile]) -> dict[tuple[str, str, str], int]:
    """Distinct event ids in ``files`` per (run_id, venue_id, event_type)."""
    paths = [snapshot.uri(f) for f in files if f.event_type != QUARANTINE]
    if not paths:
        return {}
    with able_to_read(duckdb.connect(), snapshot.root) as connection:
        rows = connection.execute(_DISTINCT_EVENTS, [paths]).fetchall()
    return {(run_id, venue_id, event_type): count for run_id, venue_id, event_type, count in rows}


def _finished_before(snapshot: Snapshot, hour: Hour, receipts: tuple[Receipt, ...]) -> dict[str, frozenset[str]]:
    """Venues with final receipts in earlier hours, for the runs that lack venues in ``hour``.

    Walks back hour by hour until the run's venues are all accounted for or an hour has no receipt of it: its venues
    begin together and each sends receipts for every hour until its final ones, so there is nothing further back.
    """
    venues: dict[str, set[str]] = {}
    wanted: dict[str, int] = {}
    for receipt in receipts:
        venues.setdefault(receipt.run_id, set()).add(receipt.venue_id)
        wanted[receipt.run_id] = receipt.run_venues
    finished: dict[str, set[str]] = {run_id: set() for run_id in venues}
    open_runs = {run_id for run_id in venues if len(venues[run_id]) < wanted[run_id]}
    earlier = hour.previous
    while open_runs:
        seen = receipts_of(snapshot, earlier)
        open_runs &= {receipt.run_id for receipt in seen}
        for receipt in seen:
            if receipt.run_id in open_runs and receipt.final and receipt.venue_id not in venues[receipt.run_id]:
                finished[receipt.run_id].add(receipt.venue_id)
        open_runs = {r for r in open_runs if len(venues[r] | finished[r]) < wanted[r]}
        earlier = earlier.previous
    return {run_id: frozenset(ids) for run_id, ids in finished.items()}
