"""A reader of the lake that needs no JVM: its versions, what each commit changed, and the files of an hour.

The table's log is read by the Delta protocol (https://github.com/delta-io/delta/blob/master/PROTOCOL.md): snapshots
through `deltalake`, single commits from ``_delta_log/<version as 20 digits>.json``. Data files are never listed.
"""

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any, Final, Self
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
from deltalake import DeltaTable
from upath import UPath

from streaming.exceptions import LogCleaned, LogGarbled, NoLake
from streaming.hour import Hour
from streaming.lake.delta import open_table, table_exists
from streaming.lake.layout import EVENTS_TABLE, QUARANTINE
from streaming.storage import identity, location_of, modified_at, path_of

#: Characters of a string that Delta's writers keep as a bound.
_STATISTICS_LENGTH: Final = 32

_LOG_FILE: Final = "_delta_log/{version:020}.json"


@dataclass(frozen=True, slots=True)
class LakeFile:
    """A data file of the table, as the log describes it."""

    path: str  #: relative to the table
    event_type: str
    hour: Hour
    rows: int
    bytes: int
    run_ids: tuple[str, ...] = ()  #: beginnings of the smallest and the largest one


@dataclass(frozen=True, slots=True)
class Commit:
    """The changes of one version of the table; empty if it moved rows without changing data (OPTIMIZE)."""

    version: int
    committed_at: datetime
    added: tuple[LakeFile, ...]
    removed: tuple[LakeFile, ...]  #: deleted or rewritten: never by the stream, only by reprocessing the quarantine


class _Listed(Mapping[Hour, tuple[LakeFile, ...]]):
    """Files by hour, from a table of the log's actions; the objects of an hour are built on access.

    A year of compacted hours is 75 000 files, of which a run reads a few: building all of them takes 0.7 s.
    """

    _COLUMNS: Final = ("path", "partition.event_type", "num_records", "size_bytes", "min.run_id", "max.run_id")
    _HOUR: Final = ("partition.event_date", "partition.event_hour")

    def __init__(self, actions: pa.Table) -> None:
        """Index ``actions``, one row per live file, statistics and partition values in columns of their own."""
        self._actions = actions.sort_by([(name, "ascending") for name in self._HOUR])
        dates, hours = (self._actions[name].to_numpy() for name in self._HOUR)
        new = (dates[1:] != dates[:-1]) | (hours[1:] != hours[:-1])
        starts = [0, *(np.flatnonzero(new) + 1).tolist()] if len(dates) else []
        self._rows = {
            Hour.of_partition(*(self._actions[name][start].as_py() for name in self._HOUR)): (start, end - start)
            for start, end in pairwise([*starts, len(dates)])
        }

    def __getitem__(self, hour: Hour) -> tuple[LakeFile, ...]:
        rows = self._actions.slice(*self._rows[hour])
        return tuple(
            LakeFile(unquote(path), event_type, hour, rows_, size, _run_ids(smallest, largest))
            for path, event_type, rows_, size, smallest, largest in zip(*_columns(rows, *self._COLUMNS), strict=True)
        )

    def __iter__(self) -> Iterator[Hour]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


class Snapshot:
    """The table as of one version."""

    def __init__(
        self,
        root: str,
        version: int,
        listed: Mapping[Hour, tuple[LakeFile, ...]],
        changed: Mapping[Hour, tuple[LakeFile, ...]] | None = None,
    ) -> None:
        """Hold the live files at ``version`` of the table at ``root``: ``listed``, except for hours in ``changed``."""
        self.root = root
        self.version = version
        self._listed = listed
        self._changed = changed or {}

    @classmethod
    def of_table(cls, table: DeltaTable) -> Self:
        """Build a snapshot of the table's current version, from the last checkpoint of its log and later commits."""
        return cls(
            location_of(table.table_uri), table.version(), _Listed(pa.table(table.get_add_actions(flatten=True)))
        )

    def after(self, version: int, added: Iterable[LakeFile], removed: Iterable[tuple[Hour, str]]) -> "Snapshot":
        """Apply commits up to ``version``: files that they added, and hours and paths of files that they removed."""
        gone: dict[Hour, set[str]] = {}
        come: dict[Hour, dict[str, LakeFile]] = {}
        for hour, path in removed:
            gone.setdefault(hour, set()).add(path)
        for file in added:
            come.setdefault(file.hour, {})[file.path] = file
        changed = dict(self._changed)
        for hour in gone.keys() | come.keys():
            left_out = gone.get(hour, set()) | come.get(hour, {}).keys()
            kept = tuple(file for file in self.files(hour) if file.path not in left_out)
            changed[hour] = kept + tuple(come.get(hour, {}).values())
        return Snapshot(self.root, version, self._listed, changed)

    def rows_by_type(self, hour: Hour | None = None) -> dict[str, int]:
        """Count the rows of live files per event type, quarantine included, of one hour or of all."""
        rows: dict[str, int] = {}
        for file in self.files(hour):
            rows[file.event_type] = rows.get(file.event_type, 0) + file.rows
        return rows

    def hours(self) -> set[Hour]:
        """Return the hours that have valid rows."""
        return {file.hour for file in self.files() if file.event_type != QUARANTINE}

    def files(self, hour: Hour | None = None) -> list[LakeFile]:
        """Return the live files, of one hour or of all."""
        if hour is not None:
            return list(self._changed[hour] if hour in self._changed else self._listed.get(hour, ()))
        return [file for hour in {**dict.fromkeys(self._listed), **self._changed} for file in self.files(hour)]

    def run_id_bounds(self, hour: Hour) -> set[str]:
        """Return the prefixes of the smallest and largest run_id of each of the hour's files, from the statistics.

        A file with three runs or more hides those in between; the loader counts exactly.
        """
        return {bound for file in self.files(hour) if file.event_type != QUARANTINE for bound in file.run_ids}

    def uri(self, file: LakeFile) -> str:
        """Return the address from which a reader reads ``file``."""
        return f"{self.root}/{file.path}"


def _columns(actions: pa.Table, *names: str) -> list[list[Any]]:
    """Return the columns as lists; nulls for statistics that no file has."""
    return [actions[name].to_pylist() if name in actions.column_names else [None] * actions.num_rows for name in names]


def _run_ids(smallest: str | None, largest: str | None) -> tuple[str, ...]:
    """Return the bounds as Delta keeps them: 32 characters, the upper one with one more that sorts last."""
    return tuple(bound[:_STATISTICS_LENGTH] for bound in (smallest, largest) if bound)


class Lake:
    """The lake's one table, read-only."""

    def __init__(self, root: str) -> None:
        """Read the lake below ``root``, a directory or ``gs://bucket/prefix``; it need not exist yet."""
        self.root = root
        self.table_uri = f"{root.rstrip('/')}/{EVENTS_TABLE}"

    def exists(self) -> bool:
        """Return whether the stream has created the table."""
        return table_exists(self.table_uri)

    def snapshot(self) -> Snapshot:
        """Return the newest version of the table.

        A process reads the whole state once, and then only newer commits, so a long history costs nothing.

        Raises:
            NoLake: The stream has not created the table yet.
        """
        with _READING:
            known = _NEWEST.get(self.table_uri)
            snapshot = self._follow(*known) if known else None
            if snapshot is None:
                if not self.exists():
                    raise NoLake(f"there is no lake at {self.root} yet. Start the stream: `ticketsim stream`.")
                snapshot = Snapshot.of_table(open_table(self.table_uri))
            _NEWEST[self.table_uri] = snapshot, self._identity(snapshot.version)
            return snapshot

    def _follow(self, snapshot: Snapshot, identity: tuple[int, int] | None) -> Snapshot | None:
        """Apply newer commits to ``snapshot``; None if impossible: log cleaned up, or the table was recreated."""
        if identity is None or self._identity(snapshot.version) != identity:
            return None
        version = snapshot.version
        added: dict[str, LakeFile] = {}
        removed: dict[str, Hour] = {}
        while self._identity(version + 1):
            version += 1
            try:
                actions = self._actions(version)
            except LogCleaned:
                return None
            for action in actions:
                if "add" in action:
                    file = _file(action["add"])
                    added[file.path] = file
                elif "remove" in action:
                    file = _file(action["remove"])
                    added.pop(file.path, None)
                    removed[file.path] = file.hour
        if version == snapshot.version:
            return snapshot
        return snapshot.after(version, added.values(), ((hour, path) for path, hour in removed.items()))

    def _identity(self, version: int) -> tuple[int, int] | None:
        """Return the identity of a version's log entry, unlike that of a recreated table; None if there is none."""
        return identity(self._entry(version))

    def commits(self, after: int, until: int) -> Iterator[Commit]:
        """Return the commits of versions ``after + 1`` to ``until``, oldest first.

        Raises:
            LogCleaned: The log of one of them was removed (log retention); resynchronise from the snapshot.
        """
        for version in range(after + 1, until + 1):
            yield self._commit(version)

    def newest_batch(self, query_id: str) -> int | None:
        """Return the number of the newest batch of a query that was committed; None if there is none.

        Delta's sink writes it into each commit, that of a batch without rows included.
        """
        return open_table(self.table_uri).transaction_version(query_id) if self.exists() else None

    def _entry(self, version: int) -> UPath:
        return path_of(self.table_uri) / _LOG_FILE.format(version=version)

    def _actions(self, version: int) -> list[dict[str, Any]]:
        try:
            lines = self._entry(version).read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            raise LogCleaned(
                f"version {version} of {self.table_uri} is no longer in its log. Read the table's state instead."
            ) from None
        try:
            return [json.loads(line) for line in lines if line]
        except ValueError as problem:
            raise LogGarbled(
                f"version {version} of {self.table_uri} cannot be read: {self._entry(version).name} is not JSON "
                f"({problem}). Stop the stream, move this file out of _delta_log, and run `ticketsim stream "
                "--recover`: what it added is read from Kafka again."
            ) from None

    def _commit(self, version: int) -> Commit:
        actions = self._actions(version)
        info: dict[str, Any] = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
        # A commit need not say when it was made, and a loss of power leaves one that says nothing.
        committed_s = info["timestamp"] / 1000 if "timestamp" in info else modified_at(self._entry(version))
        return Commit(
            version=version,
            committed_at=datetime.fromtimestamp(committed_s, UTC),
            added=_files(actions, "add"),
            removed=_files(actions, "remove"),
        )


#: What this process has last read of a table, and the identity of that version's log entry.
_NEWEST: Final[dict[str, tuple[Snapshot, tuple[int, int] | None]]] = {}

#: Sensors are threads of one process.
_READING: Final = threading.Lock()


def _files(actions: Iterable[dict[str, Any]], kind: str) -> tuple[LakeFile, ...]:
    """Return the files of the actions that change data, of a kind: ``add`` or ``remove``."""
    return tuple(_file(action[kind]) for action in actions if action.get(kind, {}).get("dataChange"))


def _file(action: dict[str, Any]) -> LakeFile:
    # Of a removed file the protocol does not require them; they stand in its path as well.
    partition = action.get("partitionValues") or dict(
        part.split("=", 1) for part in unquote(action["path"]).split("/")[:-1]
    )
    stats = json.loads(action["stats"]) if action.get("stats") else {}
    bounds = (stats.get(side, {}).get("run_id") for side in ("minValues", "maxValues"))
    return LakeFile(
        path=unquote(action["path"]),
        event_type=partition["event_type"],
        hour=Hour.of_partition(date.fromisoformat(partition["event_date"]), int(partition["event_hour"])),
        rows=int(stats.get("numRecords", 0)),
        bytes=int(action.get("size", 0)),
        run_ids=_run_ids(*bounds),
    )
