"""Which offsets the lake holds: where a stream without a checkpoint goes on, and what lies between its rows."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from streaming.lake.delta import open_table
from streaming.lake.losses import Losses
from streaming.lake.offset_gaps import OffsetGaps
from streaming.lake.reader import Lake
from streaming.offset_span import Span, merged, next_outside
from streaming.storage import arrow_filesystem
from streaming.topic_partition import TopicPartition

_COLUMNS: Final = ["topic", "kafka_partition", "kafka_offset"]


def committed_spans(lake: Lake, losses: Losses, near: Mapping[str, Span] | None = None) -> dict[str, list[Span]]:
    """Return the offsets of which the lake has rows, in spans, per ``topic/partition``.

    Args:
        lake: The lake, whose table exists.
        losses: What was recorded for it: only rows of a partition's present log count.
        near: Offsets of interest, per ``topic/partition``: only files are read whose statistics say that they may hold
            one of them. None: all files.
    """
    began = {name: found[-1].resumed_at for name, found in losses.of_place.items()}
    found: dict[str, list[Span]] = {}
    for rows in _rows_of_present_logs(lake, _files(lake), began, lambda file: near is None or _may_hold(file, near)):
        places = rows.group_by(["topic", "kafka_partition"]).aggregate([("kafka_offset", "list")])
        for topic, partition, offsets in zip(*(column.to_pylist() for column in places.columns), strict=True):
            found.setdefault(str(TopicPartition(topic, partition)), []).extend(_spans(np.unique(offsets)))
    return {name: merged(spans) for name, spans in found.items()}


def _spans(offsets: np.ndarray) -> list[Span]:
    """Return the spans of ``offsets``, which are in order and of which there is at least one."""
    ends = np.flatnonzero(np.diff(offsets) > 1)
    firsts, lasts = offsets[np.r_[0, ends + 1]], offsets[np.r_[ends, len(offsets) - 1]]
    return [Span(first, last + 1) for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True)]


def _may_hold(file: Mapping[str, Any], near: Mapping[str, Span]) -> bool:
    """Return whether a file may hold one of the offsets, by its statistics in the log."""
    if file["min.topic"] != file["max.topic"]:
        return True
    return any(
        near[name].first <= file["max.kafka_offset"] and file["min.kafka_offset"] < near[name].end
        for name in _places(file)
        if name in near
    )


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
    for rows in _rows_of_present_logs(lake, _files(lake), began, lambda file: _may_add(file, found, began)):
        largest = rows.group_by(["topic", "kafka_partition"]).aggregate([("kafka_offset", "max")])
        for topic, partition, offset in zip(*(column.to_pylist() for column in largest.columns), strict=True):
            name = str(TopicPartition(topic, partition))
            found[name] = max(found.get(name, 0), offset + 1)
    return found


def _files(lake: Lake) -> list[dict[str, Any]]:
    """Return path and statistics of the table's files, those with the largest offsets first."""
    actions = pa.table(open_table(lake.table_uri).get_add_actions(flatten=True))
    named = [f"{side}.{name}" for name in (*_COLUMNS, "ingested_at") for side in ("min", "max")]
    columns = ["path", *(name for name in named if name in actions.column_names)]
    return actions.sort_by([("max.kafka_offset", "descending")]).select(columns).to_pylist()


def _rows_of_present_logs(
    lake: Lake, files: Iterable[dict[str, Any]], began: dict[str, datetime], wanted: Callable[[dict[str, Any]], bool]
) -> Iterator[pa.Table]:
    """Yield topic, partition and offset of the rows of each file that is ``wanted`` when it is its turn."""
    filesystem = arrow_filesystem(lake.table_uri)
    columns = [*_COLUMNS, "ingested_at"] if began else _COLUMNS
    for file in files:
        if wanted(file):
            path = f"{lake.table_uri}/{file['path']}"
            rows = pq.read_table(path, columns=columns, partitioning=None, filesystem=filesystem)
            yield _of_present_logs(rows, began)


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
