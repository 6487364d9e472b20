"""Reading the lake without a JVM: its versions, what each commit changed, and the files of an hour.

The table's log is read by the Delta protocol (https://github.com/delta-io/delta/blob/master/PROTOCOL.md): snapshots
through `deltalake`, single commits from ``_delta_log/<version as 20 digits>.json``. Nobody lists data files.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from streaming.exceptions import LogCleaned, NoLake
from streaming.hour import Hour
from streaming.layout import EVENTS_TABLE, QUARANTINE

#: Characters of a text that Delta's writers keep as a bound.
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


@dataclass(frozen=True, slots=True)
class Commit:
    """What one version of the table changed; nothing for commits that moved rows without changing data (OPTIMIZE)."""

    version: int
    committed_at: datetime
    added: tuple[LakeFile, ...]
    removed: tuple[LakeFile, ...]  #: deleted or rewritten: never by the stream, by a replay of the quarantine


class Snapshot:
    """The table as of one version."""

    def __init__(self, table: DeltaTable) -> None:
        """Hold ``table`` at the version that it has now."""
        self._table = table
        self.version: int = table.version()
        self.root = table.table_uri.removeprefix("file://").rstrip("/")

    @cached_property
    def _actions(self) -> pa.Table:
        return pa.table(self._table.get_add_actions(flatten=True))

    def _actions_of(self, hour: Hour) -> pa.Table:
        actions = self._actions
        return actions.filter(
            pc.and_(
                pc.equal(actions["partition.event_date"], pa.scalar(hour.date)),
                pc.equal(actions["partition.event_hour"], pa.scalar(hour.start.hour, pa.int32())),
            )
        )

    def rows_by_type(self) -> dict[str, int]:
        """Rows of all live files per event type, quarantine included."""
        grouped = self._actions.group_by("partition.event_type").aggregate([("num_records", "sum")])
        return dict(
            zip(grouped["partition.event_type"].to_pylist(), grouped["num_records_sum"].to_pylist(), strict=True)
        )

    def hours(self) -> set[Hour]:
        """Hours with rows that obey the contract."""
        return {file.hour for file in self.files() if file.event_type != QUARANTINE}

    def files(self, hour: Hour | None = None) -> list[LakeFile]:
        """Live files, of one hour or of all."""
        actions = self._actions if hour is None else self._actions_of(hour)
        columns = ("path", "partition.event_type", "partition.event_date", "partition.event_hour")
        numbers = ("num_records", "size_bytes")
        return [
            LakeFile(unquote(path), event_type, Hour.of_partition(event_date, event_hour), rows, size)
            for path, event_type, event_date, event_hour, rows, size in zip(
                *(actions[name].to_pylist() for name in (*columns, *numbers)), strict=True
            )
        ]

    def run_id_bounds(self, hour: Hour) -> set[str]:
        """Beginnings of the smallest and largest run_id of each of the hour's files, from the log's statistics.

        Statistics hold the first 32 characters of a text, the larger bound with one more that sorts behind all others.
        A file with three runs or more hides those in between; the loader counts exactly.
        """
        actions = self._actions_of(hour)
        actions = actions.filter(pc.not_equal(actions["partition.event_type"], QUARANTINE))
        bounds: set[str] = set()
        for name in ("min.run_id", "max.run_id"):
            if name in actions.column_names:
                bounds.update(value[:_STATISTICS_LENGTH] for value in actions[name].to_pylist() if value)
        return bounds

    def uri(self, file: LakeFile) -> str:
        """Where a reader finds ``file``."""
        return f"{self.root}/{file.path}"


class Lake:
    """The lake's one table, read-only."""

    def __init__(self, root: str) -> None:
        """Read the lake below ``root``, a directory; it need not exist yet."""
        self.root = root
        self.table_uri = f"{root.rstrip('/')}/{EVENTS_TABLE}"

    def exists(self) -> bool:
        """Whether the stream has created the table."""
        return DeltaTable.is_deltatable(self.table_uri)

    def snapshot(self) -> Snapshot:
        """The newest version of the table.

        Raises:
            NoLake: the stream has not created the table yet.
        """
        if not self.exists():
            raise NoLake(f"there is no lake at {self.root} yet. Start the stream: `ticketsim stream`.")
        return Snapshot(DeltaTable(self.table_uri))

    def commits(self, after: int, until: int) -> Iterator[Commit]:
        """The commits of versions ``after + 1`` to ``until``, oldest first.

        Raises:
            LogCleaned: the log of one of them was removed (log retention); resynchronise from the snapshot.
        """
        for version in range(after + 1, until + 1):
            yield self._commit(version)

    def _commit(self, version: int) -> Commit:
        path = Path(self.table_uri) / _LOG_FILE.format(version=version)
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            raise LogCleaned(
                f"version {version} of {self.table_uri} is no longer in its log. Read the table's state instead."
            ) from None
        actions = [json.loads(line) for line in lines]
        info: dict[str, Any] = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
        committed_ms = info.get("timestamp", 0)
        return Commit(
            version=version,
            committed_at=datetime.fromtimestamp(committed_ms / 1000, UTC),
            added=_files(actions, "add"),
            removed=_files(actions, "remove"),
        )


def _files(actions: Iterable[dict[str, Any]], kind: str) -> tuple[LakeFile, ...]:
    """The files of the actions that change data, of a kind: ``add`` or ``remove``."""
    return tuple(_file(action[kind]) for action in actions if action.get(kind, {}).get("dataChange"))


def _file(action: dict[str, Any]) -> LakeFile:
    # Of a removed file the protocol does not require them; they stand in its path as well.
    partition = action.get("partitionValues") or dict(
        part.split("=", 1) for part in unquote(action["path"]).split("/")[:-1]
    )
    stats = json.loads(action["stats"]) if action.get("stats") else {}
    return LakeFile(
        path=unquote(action["path"]),
        event_type=partition["event_type"],
        hour=Hour.of_partition(date.fromisoformat(partition["event_date"]), int(partition["event_hour"])),
        rows=int(stats.get("numRecords", 0)),
        bytes=int(action.get("size", 0)),
    )
