"""Forgotten runs: runs that count for nothing any more, as an operator decided; their rows stay in the lake.

Each has a small file of its own, ``<lake>/forgotten_runs/<digest of the run's id>.json``, so that two decisions at one
time do not overwrite each other. Whoever evaluates or loads an hour reads them and leaves these runs out. The offsets
check does not: it is about the lake's rows, which are all there. See docs/decisions/0019-forgotten-runs.md.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from upath import UPath

from simulator.events import EventType
from streaming.exceptions import RecordGarbled, UnknownRun
from streaming.hour import Hour, contiguous_ranges, hours_between
from streaming.lake.duckdb_files import FILES, query_files
from streaming.lake.layout import QUARANTINE
from streaming.lake.reader import Lake, LakeFile, Snapshot
from streaming.storage import path_of, write_atomically

#: The folder below the lake's root.
FORGOTTEN_RUNS: Final = "forgotten_runs"

#: Runs that the refusal of an unknown one names, and hours that are searched for them.
_NAMED: Final = 5
_SEARCHED_HOURS: Final = 24

_ROWS_OF_RUN: Final = f"""
select event_date, event_hour, event_type = '{EventType.HOUR_CLOSED}', count(*) from {FILES} where run_id = ?
group by all
"""  # noqa: S608 our own text

_NEWEST_RUNS: Final = f"""
select run_id from {FILES} group by run_id order by max(event_time) desc, run_id limit {_NAMED}
"""  # noqa: S608 our own text


@dataclass(frozen=True, slots=True)
class ForgottenRun:
    """The decision about one run, and what the lake held of it at that time."""

    run_id: str
    forgotten_at: datetime  #: UTC
    lake_version: int  #: of the events table, when the run's hours were last looked up
    ranges: tuple[tuple[Hour, Hour], ...]  #: the hours with rows of it: first and last ones, both included
    events: int
    receipts: int
    undone_at: datetime | None = None  #: since when it counts again, UTC; None while it is forgotten

    @property
    def hours(self) -> list[Hour]:
        """The hours with rows of the run, oldest first."""
        return [hour for first, last in self.ranges for hour in hours_between(first, last)]

    def touches(self, hour: Hour) -> bool:
        """Return whether the lake held rows of the run in ``hour``."""
        return any(first <= hour <= last for first, last in self.ranges)

    @property
    def revision(self) -> str:
        """A digest that changes with everything that is known of the run."""
        return _digest(self.to_json())

    @property
    def decided_at(self) -> datetime:
        """When it was last decided whether the run counts, UTC."""
        return self.undone_at or self.forgotten_at

    @classmethod
    def from_json(cls, text: str) -> "ForgottenRun":
        """Read what `to_json` wrote; ValueError, TypeError or KeyError if it is something else."""
        found = json.loads(text)
        return cls(
            run_id=str(found["run_id"]),
            forgotten_at=datetime.fromisoformat(found["forgotten_at"]),
            lake_version=int(found["lake_version"]),
            ranges=tuple((Hour.from_key(first), Hour.from_key(last)) for first, last in found["hours"]),
            events=int(found["events"]),
            receipts=int(found["receipts"]),
            undone_at=datetime.fromisoformat(found["undone_at"]) if found["undone_at"] else None,
        )

    def to_json(self) -> str:
        """Write the record as one JSON object; hours as ranges of partition keys."""
        return json.dumps(
            {
                "run_id": self.run_id,
                "forgotten_at": self.forgotten_at.isoformat(),
                "undone_at": self.undone_at.isoformat() if self.undone_at else None,
                "lake_version": self.lake_version,
                "hours": [[first.key, last.key] for first, last in self.ranges],
                "events": self.events,
                "receipts": self.receipts,
            }
        )


class ForgottenRuns:
    """All decisions about runs of a lake, by run."""

    def __init__(self, records: Iterable[ForgottenRun] = ()) -> None:
        """Hold ``records``, at most one per run; those that were undone are kept, and forget nothing."""
        self.records: Mapping[str, ForgottenRun] = {record.run_id: record for record in records}
        self.ids = frozenset(record.run_id for record in self)  #: of the runs that are forgotten

    def __iter__(self) -> Iterator[ForgottenRun]:
        """Yield the runs that are forgotten."""
        return (record for record in self.records.values() if record.undone_at is None)

    def of(self, hour: Hour) -> tuple[str, ...]:
        """Return the ids of the forgotten runs with rows in ``hour``, in order."""
        return tuple(sorted(run.run_id for run in self if run.touches(hour)))


def read_forgotten_runs(lake: Lake) -> ForgottenRuns:
    """Return what was decided; for most lakes nothing ever was.

    Raises:
        RecordGarbled: A record is not what was written.
    """
    return ForgottenRuns(_read(path) for path in sorted(_folder(lake).glob("*.json")))


def may_have_rows(file: LakeFile, run_id: str) -> bool:
    """Return whether ``file`` may have rows of a run, by the beginnings of its smallest and its largest id."""
    if not file.run_ids:
        return True
    smallest, largest = min(file.run_ids), max(file.run_ids)
    return smallest <= run_id and (run_id <= largest or run_id.startswith(largest))


def find_run(snapshot: Snapshot, run_id: str, now: datetime) -> ForgottenRun:
    """Return what the lake holds of a run, as the record by which it would be forgotten ``now``.

    Raises:
        UnknownRun: The lake has no valid message of it.
    """
    files = [file for file in snapshot.files() if file.event_type != QUARANTINE and may_have_rows(file, run_id)]
    rows: dict[Hour, int] = {}
    receipts = 0
    for event_date, event_hour, is_receipt, count in _ask(snapshot, _ROWS_OF_RUN, files, run_id):
        hour = Hour.of_partition(event_date, event_hour)
        rows[hour] = rows.get(hour, 0) + count
        receipts += count if is_receipt else 0
    if not rows:
        raise UnknownRun(_unknown(snapshot, run_id))
    return ForgottenRun(
        run_id=run_id,
        forgotten_at=now,
        lake_version=snapshot.version,
        ranges=tuple(contiguous_ranges(list(rows))),
        events=sum(rows.values()) - receipts,
        receipts=receipts,
    )


def forget_run(lake: Lake, run_id: str, now: datetime, *, dry_run: bool = False) -> ForgottenRun:
    """Record that a run counts for nothing; of one that is forgotten already, hours that it has gained since.

    Args:
        lake: The lake; it must exist.
        run_id: The run.
        now: The wall clock.
        dry_run: Record nothing.

    Returns:
        The record; the one that was there already if nothing is new.

    Raises:
        UnknownRun: The lake has no valid message of it.
    """
    known = read_forgotten_runs(lake).records.get(run_id)
    is_forgotten = known is not None and known.undone_at is None
    since = known.forgotten_at if known is not None and is_forgotten else now
    found = find_run(lake.snapshot(), run_id, since)
    if known is not None and is_forgotten and known.ranges == found.ranges:
        return known
    if dry_run:
        return found
    _write(lake, found)
    # Who did not know of the record yet may have loaded what was committed before it was written.
    newest = find_run(lake.snapshot(), run_id, since)
    if newest.ranges != found.ranges:
        _write(lake, newest)
    return newest


def recall_run(lake: Lake, run_id: str, now: datetime, *, dry_run: bool = False) -> ForgottenRun:
    """Record that a forgotten run counts again; arguments and return value are those of `forget_run`.

    Raises:
        UnknownRun: It was never forgotten.
    """
    forgotten = read_forgotten_runs(lake)
    known = forgotten.records.get(run_id)
    if known is None:
        named = ", ".join(map(repr, sorted(forgotten.ids))) or "none"
        raise UnknownRun(f"Run {run_id!r} is not forgotten. Forgotten runs of the lake {lake.root}: {named}.")
    if known.undone_at is not None:
        return known
    undone = replace(known, undone_at=now)
    if not dry_run:
        _write(lake, undone)
    return undone


def _folder(lake: Lake) -> UPath:
    return path_of(lake.root) / FORGOTTEN_RUNS


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _write(lake: Lake, run: ForgottenRun) -> None:
    write_atomically(_folder(lake) / f"{_digest(run.run_id)}.json", run.to_json() + "\n")


def _read(path: UPath) -> ForgottenRun:
    try:
        return ForgottenRun.from_json(path.read_text(encoding="utf-8"))
    except (ValueError, TypeError, KeyError) as problem:
        raise RecordGarbled(
            f"{path} cannot be read ({type(problem).__name__}: {problem}). It says which run is forgotten: remove it, "
            "and forget the run again (`ticketsim forget`)."
        ) from None


def _ask(snapshot: Snapshot, query: str, files: Sequence[LakeFile], *values: str) -> list[tuple[Any, ...]]:
    return query_files(query, [snapshot.uri(file) for file in files], *values)


def _unknown(snapshot: Snapshot, run_id: str) -> str:
    newest = set(sorted(snapshot.hours())[-_SEARCHED_HOURS:])
    files = [file for hour in newest for file in snapshot.files(hour) if file.event_type != QUARANTINE]
    names = ", ".join(repr(name) for (name,) in _ask(snapshot, _NEWEST_RUNS, files))
    return f"There is no run {run_id!r} in the lake {snapshot.root}. " + (
        f"The newest ones: {names}." if names else "It has no valid messages yet."
    )
