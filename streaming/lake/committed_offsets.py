"""Which offsets the lake holds: where a stream without a checkpoint goes on."""

from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from streaming.lake.delta import open_table
from streaming.lake.losses import Losses
from streaming.lake.reader import Lake
from streaming.storage import arrow_filesystem
from streaming.topic_partition import TopicPartition

_COLUMNS: Final = ["topic", "kafka_partition", "kafka_offset"]


def next_offsets(lake: Lake, losses: Losses) -> dict[str, int]:
    """One past the largest offset in the lake, per ``topic/partition``; partitions without rows are not named.

    After a recorded loss only rows of the present log count; while there are none it is where that log was resumed.

    Files are read newest first, and only those whose statistics say that they may hold a larger offset than was found
    so far, so the cost does not grow with the table's history.

    Args:
        lake: The lake; it need not exist.
        losses: What was recorded for it.
    """
    found = {name: found[-1].resumes_at for name, found in losses.of_place.items()}
    if not lake.exists():
        return found
    began = {name: found[-1].resumed_at for name, found in losses.of_place.items()}
    table = open_table(lake.table_uri)
    actions = pa.table(table.get_add_actions(flatten=True)).sort_by([("max.kafka_offset", "descending")])
    bounds = [f"{side}.{name}" for name in ("topic", "kafka_partition") for side in ("min", "max")]
    bounds += [name for name in ("max.ingested_at",) if began and name in actions.column_names]
    filesystem = arrow_filesystem(lake.table_uri)
    for file in actions.select(["path", "max.kafka_offset", *bounds]).to_pylist():
        if not _may_add(file, found, began):
            continue
        columns = [*_COLUMNS, "ingested_at"] if began else _COLUMNS
        path = f"{lake.table_uri}/{file['path']}"
        rows = _of_present_logs(pq.read_table(path, columns=columns, partitioning=None, filesystem=filesystem), began)
        largest = rows.group_by(["topic", "kafka_partition"]).aggregate([("kafka_offset", "max")])
        for topic, partition, offset in zip(*(column.to_pylist() for column in largest.columns), strict=True):
            name = str(TopicPartition(topic, partition))
            found[name] = max(found.get(name, 0), offset + 1)
    return found


def _may_add(file: dict[str, Any], found: dict[str, int], began: dict[str, datetime]) -> bool:
    """Whether a file may hold an offset that is larger than those found, by its statistics in the log."""
    if file["min.topic"] != file["max.topic"]:
        return True
    names = [f"{file['min.topic']}/{p}" for p in range(file["min.kafka_partition"], file["max.kafka_partition"] + 1)]
    newest = file.get("max.ingested_at")  # cut to milliseconds; so is when a log began
    return any(
        found.get(name, 0) <= file["max.kafka_offset"]
        and not (newest is not None and name in began and newest < began[name])
        for name in names
    )


def _of_present_logs(rows: pa.Table, began: dict[str, datetime]) -> pa.Table:
    """``rows`` without those of logs that a recorded loss has ended."""
    for name, resumed_at in began.items():
        topic, partition = TopicPartition.parse(name)
        old = pc.less(rows["ingested_at"], pa.scalar(resumed_at, rows.schema.field("ingested_at").type))
        here = pc.and_(pc.equal(rows["topic"], topic), pc.equal(rows["kafka_partition"], partition))
        rows = rows.filter(pc.invert(pc.and_(here, old)))
    return rows
