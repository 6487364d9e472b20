"""Lakes with a long history, created in seconds: a valid Delta log whose old data files do not exist.

Readers of the log do not notice: they open only files of the hours that they work on, and those are real.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from simulator.events import EVENT_TYPES
from streaming.hour import Hour
from streaming.lake.create_table import STATISTICS_COLUMNS, TABLE_PROPERTIES
from streaming.lake.layout import PARTITION_COLUMNS
from streaming.lake.reader import Lake
from streaming.lake.schema import LAKE_SCHEMA

#: Between two commits of the stream as it is shipped.
TRIGGER: Final = timedelta(minutes=2)

#: Data files of a commit: one per event type and writer.
FILES_PER_COMMIT: Final = 16

#: Rows of a data file.
ROWS: Final = 500

_DAY: Final = timedelta(days=1)

_MAP: Final = pa.map_(pa.string(), pa.string())

_CHECKPOINT_SCHEMA: Final = pa.schema(
    [
        ("txn", pa.struct([("appId", pa.string()), ("version", pa.int64()), ("lastUpdated", pa.int64())])),
        (
            "add",
            pa.struct(
                [
                    ("path", pa.string()),
                    ("partitionValues", _MAP),
                    ("size", pa.int64()),
                    ("modificationTime", pa.int64()),
                    ("dataChange", pa.bool_()),
                    ("stats", pa.string()),
                    ("tags", _MAP),
                ]
            ),
        ),
        (
            "metaData",
            pa.struct(
                [
                    ("id", pa.string()),
                    ("name", pa.string()),
                    ("description", pa.string()),
                    ("format", pa.struct([("provider", pa.string()), ("options", _MAP)])),
                    ("schemaString", pa.string()),
                    ("partitionColumns", pa.list_(pa.string())),
                    ("configuration", _MAP),
                    ("createdTime", pa.int64()),
                ]
            ),
        ),
        ("protocol", pa.struct([("minReaderVersion", pa.int32()), ("minWriterVersion", pa.int32())])),
    ]
)


@dataclass(frozen=True, slots=True)
class History:
    """The history of a lake."""

    commits: int
    compacted: bool  #: days that are closed hold one file per event type and hour
    kept: int  #: commits whose log entries have not been cleaned up


def make_lake(root: Path, history: History, end: datetime) -> Lake:
    """Create a lake below ``root`` with ``history.commits`` commits, the last one two minutes before ``end``.

    The next commit, the first real one, is checkpointed and cleaned up after like any other.
    """
    lake = Lake(str(root))
    configuration: dict[str, str | None] = dict(TABLE_PROPERTIES)
    DeltaTable.create(lake.table_uri, LAKE_SCHEMA, partition_by=list(PARTITION_COLUMNS), configuration=configuration)
    log = Path(lake.table_uri) / "_delta_log"
    created = [json.loads(line) for line in (log / _entry(0)).read_text().splitlines()]
    head = {name: action[name] for action in created for name in ("metaData", "protocol") if name in action}
    interval = int(TABLE_PROPERTIES["delta.checkpointInterval"])
    newest = history.commits
    checkpoint = newest // interval * interval
    first_kept = max(1, newest - history.kept + 1)
    if first_kept > 1:
        (log / _entry(0)).unlink()
    for version in range(first_kept, newest + 1):
        _write_commit(log, version, _commit_time(version, newest, end))
    if checkpoint:
        adds = list(_live_files(checkpoint, newest, end, history.compacted))
        _write_checkpoint(log, checkpoint, head, adds)
        # The ones before are as large; their names are what a listing costs.
        for version in range(first_kept // interval * interval + interval, checkpoint, interval):
            os.link(log / _checkpoint(checkpoint), log / _checkpoint(version))
    return lake


def _entry(version: int) -> str:
    return f"{version:020}.json"


def _checkpoint(version: int) -> str:
    return f"{version:020}.checkpoint.parquet"


def _commit_time(version: int, newest: int, end: datetime) -> datetime:
    return end - TRIGGER * (newest - version + 1)


def _files_of(version: int, time: datetime) -> Iterator[dict[str, Any]]:
    """Return the files that the stream adds in a commit."""
    for number in range(FILES_PER_COMMIT):
        event_type = EVENT_TYPES[number % len(EVENT_TYPES)]
        name = f"part-{version}-{number}.zstd.parquet"
        yield _add(event_type, Hour.containing(time), name, partition=number % 3, offset=version * ROWS, time=time)


def _add(event_type: str, hour: Hour, name: str, *, partition: int, offset: int, time: datetime) -> dict[str, Any]:
    values = {"event_type": event_type, "event_date": str(hour.date), "event_hour": str(hour.start.hour)}
    milliseconds = time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    low: dict[str, Any] = {
        "run_id": "run-1",
        "topic": f"ticketsim.{event_type}",
        "kafka_partition": partition,
        "kafka_offset": offset,
        "ingested_at": milliseconds,
    }
    stats = {
        "numRecords": ROWS,
        "minValues": low,
        "maxValues": low | {"kafka_offset": offset + ROWS - 1},
        "nullCount": dict.fromkeys(STATISTICS_COLUMNS, 0),
    }
    folder = "/".join(f"{key}={value}" for key, value in values.items())
    return {
        "path": f"{folder}/{name}",
        "partitionValues": values,
        "size": 40_000,
        "modificationTime": _ms(time),
        "dataChange": True,
        "stats": json.dumps(stats, separators=(",", ":")),
        "tags": {},
    }


def _write_commit(log: Path, version: int, time: datetime) -> None:
    info = {
        "timestamp": _ms(time),
        "operation": "STREAMING UPDATE",
        "operationParameters": {"outputMode": "Append", "queryId": "synthetic", "epochId": str(version)},
        "isBlindAppend": True,
    }
    actions = [{"commitInfo": info}, *({"add": add} for add in _files_of(version, time))]
    (log / _entry(version)).write_text("\n".join(json.dumps(action, separators=(",", ":")) for action in actions))


def _live_files(until: int, newest: int, end: datetime, compacted: bool) -> Iterator[dict[str, Any]]:
    """Return the files that are live after version ``until``; one per type and hour where a day was compacted."""
    today = _commit_time(until, newest, end).astimezone(UTC).date()
    compacted_hours: dict[Hour, int] = {}
    for version in range(1, until + 1):
        time = _commit_time(version, newest, end)
        if compacted and time.date() < today:
            compacted_hours[Hour.containing(time)] = version
        else:
            yield from _files_of(version, time)
    for hour, version in compacted_hours.items():
        for event_type in EVENT_TYPES:
            name = f"optimized-{version}-{event_type}.parquet"
            yield _add(event_type, hour, name, partition=0, offset=version * ROWS, time=hour.start)


def _write_checkpoint(log: Path, version: int, head: dict[str, Any], adds: list[dict[str, Any]]) -> None:
    protocol = {name: head["protocol"][name] for name in ("minReaderVersion", "minWriterVersion")}
    actions: list[dict[str, Any]] = [{"metaData": head["metaData"]}, {"protocol": protocol}]
    actions += [{"add": add | {"dataChange": False}} for add in adds]
    path = log / _checkpoint(version)
    with pq.ParquetWriter(path, _CHECKPOINT_SCHEMA) as writer:
        for start in range(0, len(actions), 50_000):
            some = [_maps(action) for action in actions[start : start + 50_000]]
            writer.write_table(pa.Table.from_pylist(some, _CHECKPOINT_SCHEMA))
    last = {"version": version, "size": len(actions), "sizeInBytes": path.stat().st_size, "numOfAddFiles": len(adds)}
    (log / "_last_checkpoint").write_text(json.dumps(last))


def _maps(value: Any) -> Any:
    """Convert dicts to what Arrow expects: dicts for structs, pairs for maps."""
    if isinstance(value, dict):
        return {
            key: list(inner.items()) if key in ("partitionValues", "tags", "options", "configuration") else _maps(inner)
            for key, inner in value.items()
        }
    return value


def _ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)
