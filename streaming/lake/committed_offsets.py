"""Which offsets the lake holds: where a stream without a checkpoint goes on, and what lies between its rows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from streaming.lake.delta import open_table
from streaming.lake.duckdb_files import able_to_read
from streaming.lake.losses import Losses
from streaming.lake.offset_gaps import OffsetGaps
from streaming.lake.reader import Lake
from streaming.offset_span import Span, next_outside
from streaming.storage import arrow_filesystem
from streaming.topic_partition import TopicPartition

_COLUMNS: Final = ["topic", "kafka_partition", "kafka_offset"]


#: Bounds are rows beside the lake's, so that what is missing at either end is found as what is missing in between.
_HOLES: Final = """
with present as (
    select rows.topic, rows.kafka_partition, rows.kafka_offset
    from read_parquet(?, hive_partitioning = false) as rows
    inner join within
        on rows.topic = within.topic
        and rows.kafka_partition = within.kafka_partition
        and rows.kafka_offset >= within.first_offset
        and rows.kafka_offset < within.end_offset
        and (within.resumed_at is null or rows.ingested_at >= within.resumed_at)
    union all
    select topic, kafka_partition, first_offset - 1 from within
    union all
    select topic, kafka_partition, end_offset from within
),

followed as (
    select
        topic,
        kafka_partition,
        kafka_offset + 1 as first_missing,
        lead(kafka_offset) over (partition by topic, kafka_partition order by kafka_offset) as following
    from present
)

select topic, kafka_partition, first_missing, following
from followed
where following > first_missing
order by all
"""

_WITHIN: Final = pa.schema(
    [
        ("topic", pa.string()),
        ("kafka_partition", pa.int32()),
        ("first_offset", pa.int64()),
        ("end_offset", pa.int64()),
        ("resumed_at", pa.timestamp("us", tz="UTC")),
    ]
)


_EXTENT: Final = """
select rows.topic, rows.kafka_partition, min(rows.kafka_offset), max(rows.kafka_offset) + 1
from read_parquet(?, hive_partitioning = false) as rows
left join resumptions
    on rows.topic = resumptions.topic
    and rows.kafka_partition = resumptions.kafka_partition
where resumptions.resumed_at is null or rows.ingested_at >= resumptions.resumed_at
group by all
order by all
"""

_RESUMPTIONS: Final = pa.schema(
    [("topic", pa.string()), ("kafka_partition", pa.int32()), ("resumed_at", pa.timestamp("us", tz="UTC"))]
)


def committed_spans(lake: Lake, losses: Losses) -> dict[str, Span]:
    """Return the smallest offset and one past the largest of each ``topic/partition`` in the whole lake.

    Args:
        lake: The lake, whose table exists.
        losses: What was recorded for it: only rows of a partition's present log count.
    """
    snapshot = lake.snapshot()
    files = [snapshot.uri(file) for file in snapshot.files()]
    if not files:
        return {}
    newest = [found[-1] for found in losses.of_place.values()]
    columns = [[getattr(loss, name) for loss in newest] for name in ("topic", "partition", "resumed_at")]
    with able_to_read(duckdb.connect(), files[0]) as connection:
        connection.register("resumptions", pa.table(columns, schema=_RESUMPTIONS))
        found = connection.execute(_EXTENT, [files]).fetchall()
    return {str(TopicPartition(topic, partition)): Span(first, end) for topic, partition, first, end in found}


def offsets_without_row(lake: Lake, losses: Losses, within: Mapping[str, Span]) -> dict[str, list[Span]]:
    """Return the offsets in ``within`` of which the lake has no row, per ``topic/partition``, in order.

    Only files are read whose statistics say that they may hold one of the offsets.

    Args:
        lake: The lake, whose table exists.
        losses: What was recorded for it: only rows of a partition's present log count.
        within: The offsets to look for, per ``topic/partition``.
    """
    bounds = []
    for name, span in within.items():
        topic, partition = TopicPartition.parse(name)
        newest = losses.newest(name)
        first = max(span.first, newest.resumes_at) if newest else span.first
        if first < span.end:
            bounds.append((topic, partition, first, span.end, newest.resumed_at if newest else None))
    files = _files_within(lake, {f"{topic}/{partition}": Span(*span) for topic, partition, *span, _ in bounds})
    if not files:
        return {f"{topic}/{partition}": [Span(first, end)] for topic, partition, first, end, _ in bounds}
    table = pa.table([list(column) for column in zip(*bounds, strict=True)], schema=_WITHIN)
    found: dict[str, list[Span]] = {}
    with able_to_read(duckdb.connect(), files[0]) as connection:
        connection.register("within", table)
        for topic, partition, first, end in connection.execute(_HOLES, [files]).fetchall():
            found.setdefault(str(TopicPartition(topic, partition)), []).append(Span(first, end))
    return found


def _files_within(lake: Lake, within: Mapping[str, Span]) -> list[str]:
    """Return the addresses of files that may hold offsets in ``within``, by their statistics in the log."""
    actions = pa.table(open_table(lake.table_uri).get_add_actions(flatten=True))
    root = lake.snapshot().root
    bounds = [f"{side}.{name}" for name in ("topic", "kafka_partition", "kafka_offset") for side in ("min", "max")]
    return [
        f"{root}/{unquote(file['path'])}"
        for file in actions.select(["path", *bounds]).to_pylist()
        if file["min.topic"] != file["max.topic"]
        or any(
            within[name].first <= file["max.kafka_offset"] and file["min.kafka_offset"] < within[name].end
            for name in _places(file)
            if name in within
        )
    ]


def _places(file: Mapping[str, Any]) -> list[str]:
    """Return the partitions, as ``topic/partition``, of which a file of one topic may hold rows."""
    partitions = range(file["min.kafka_partition"], file["max.kafka_partition"] + 1)
    return [str(TopicPartition(file["min.topic"], partition)) for partition in partitions]


def next_offsets(lake: Lake, losses: Losses, gaps: OffsetGaps) -> dict[str, int]:
    """One past the largest offset that the lake accounts for, per ``topic/partition``; others are not named.

    It accounts for an offset by a row, or by a gap that was recorded. After a recorded loss only the present log
    counts; while there is nothing of it, it is where that log was resumed.

    Files are read newest first, and only those whose statistics say that they may hold a larger offset than was found
    so far, so the cost does not grow with the table's history.

    Args:
        lake: The lake; it need not exist.
        losses: What was recorded as lost.
        gaps: The offsets known to have no record.
    """
    found = _after_rows(lake, losses)
    for name, spans in gaps.spans_now(losses).items():
        found[name] = next_outside(found.get(name, spans[0].first), spans)
    return found


def _after_rows(lake: Lake, losses: Losses) -> dict[str, int]:
    """Return one past the largest offset in the lake, or where the present log was resumed."""
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
    newest = file.get("max.ingested_at")  # cut to milliseconds; so is when a log began
    return any(
        found.get(name, 0) <= file["max.kafka_offset"]
        and not (newest is not None and name in began and newest < began[name])
        for name in _places(file)
    )


def _of_present_logs(rows: pa.Table, began: dict[str, datetime]) -> pa.Table:
    """``rows`` without those of logs that a recorded loss has ended."""
    for name, resumed_at in began.items():
        topic, partition = TopicPartition.parse(name)
        old = pc.less(rows["ingested_at"], pa.scalar(resumed_at, rows.schema.field("ingested_at").type))
        here = pc.and_(pc.equal(rows["topic"], topic), pc.equal(rows["kafka_partition"], partition))
        rows = rows.filter(pc.invert(pc.and_(here, old)))
    return rows
