"""Receipts, runs and distinct events of hours, read from the lake's files of one version.

A query costs 50 ms before it reads a row, so the hours of a range are queried together.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, Final, NamedTuple

from simulator.events import EventType
from streaming.hour import Hour
from streaming.lake.duckdb_files import FILES, query_files
from streaming.lake.forgotten_runs import may_have_rows
from streaming.lake.layout import QUARANTINE
from streaming.lake.reader import LakeFile, Snapshot
from ticketsim_assets.hours.completeness import Evidence, Receipt, missing_receipts, short_by_type

_RECEIPTS = f"""
select distinct event_date, event_hour, run_id, venue_id, of_event_type, event_count, run_venues, "final"
from {FILES}
order by all
"""  # noqa: S608 our own text

_DISTINCT_EVENTS = f"""
select event_date, event_hour, run_id, venue_id, event_type, count(distinct event_id), count(*)
from {FILES}
group by all
"""  # noqa: S608 our own text

_ROWS_OF_RUNS = f"""
select event_date, event_hour, run_id, event_type, count(*) from {FILES} group by all
"""  # noqa: S608 our own text

#: Distinct events per (run_id, venue_id, event_type).
Counts = Mapping[tuple[str, str, str], int]

#: Hours whose events are counted in one query; all their ids are in memory at once.
_COUNTED_TOGETHER: Final = 12


class EventsOfHour(NamedTuple):
    """The valid messages in the files of an hour."""

    distinct: Counts  #: of the runs that count
    forgotten: int  #: rows of forgotten runs


class Receipts:
    """The receipts of one version of the lake, without those of forgotten runs; each hour is read once."""

    def __init__(self, snapshot: Snapshot, forgotten: Set[str] = frozenset()) -> None:
        """Read from ``snapshot`` on demand; leave out the runs whose ids are ``forgotten``."""
        self.snapshot = snapshot
        self.forgotten = forgotten
        self._known: dict[Hour, tuple[Receipt, ...]] = {}

    def read(self, hours: Sequence[Hour]) -> None:
        """Read the receipts of ``hours`` in one query."""
        files = [f for hour in hours for f in self.snapshot.files(hour) if f.event_type == EventType.HOUR_CLOSED]
        found: defaultdict[Hour, list[Receipt]] = defaultdict(list)
        for hour, *receipt in _ask(self.snapshot, _RECEIPTS, files):
            found[hour].append(Receipt(*receipt))
        self._known |= {hour: tuple(r for r in found[hour] if r.run_id not in self.forgotten) for hour in hours}

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


def missing_by_type(receipts: Receipts, hour: Hour) -> list[str]:
    """Return one sentence for whatever ``hour`` lacks: receipts of runs and venues, or rows of an event type.

    Rows are those of the log's statistics. Only where a forgotten run may be among them, they are counted.
    """
    snapshot = receipts.snapshot
    files = [file for file in snapshot.files(hour) if file.event_type != QUARANTINE]
    if not any(may_have_rows(file, run_id) for file in files for run_id in receipts.forgotten):
        evidence = hour_evidence(receipts, hour)
        return missing_receipts(evidence) + short_by_type(evidence.receipts, snapshot.rows_by_type(hour))
    rows: Counter[str] = Counter()
    runs = set()
    for _, run_id, event_type, count in _ask(snapshot, _ROWS_OF_RUNS, files):
        if run_id not in receipts.forgotten:
            runs.add(run_id)
            rows[event_type] += count
    evidence = hour_evidence(receipts, hour, frozenset(runs))
    return missing_receipts(evidence) + short_by_type(evidence.receipts, rows)


def distinct_events(
    snapshot: Snapshot, files: Mapping[Hour, Sequence[LakeFile]], forgotten: Set[str]
) -> dict[Hour, EventsOfHour]:
    """Count the events in the files of each hour; none of the files is of the quarantine.

    Args:
        snapshot: The version of the lake.
        files: The files of each hour.
        forgotten: Ids of the runs that count for nothing.
    """
    distinct: dict[Hour, dict[tuple[str, str, str], int]] = {hour: {} for hour in files}
    left_out: Counter[Hour] = Counter()
    hours = list(files)
    for first in range(0, len(hours), _COUNTED_TOGETHER):
        together = [file for hour in hours[first : first + _COUNTED_TOGETHER] for file in files[hour]]
        for hour, run_id, venue_id, event_type, count, rows in _ask(snapshot, _DISTINCT_EVENTS, together):
            if run_id in forgotten:
                left_out[hour] += rows
            else:
                distinct[hour][run_id, venue_id, event_type] = count
    return {hour: EventsOfHour(distinct[hour], left_out[hour]) for hour in files}


def _ask(snapshot: Snapshot, query: str, files: Sequence[LakeFile]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of ``query`` over ``files``, with date and hour as one `Hour`; nothing without files."""
    for date_, hour, *rest in query_files(query, [snapshot.uri(file) for file in files]):
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
