"""Which offsets the lake holds: where a stream without a checkpoint goes on."""

from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from streaming.lake import Lake

_COLUMNS: Final = ["topic", "kafka_partition", "kafka_offset"]


def next_offsets(lake: Lake) -> dict[str, int]:
    """One past the largest offset in the lake, per ``topic/partition``; partitions without rows are not named.

    Files are read newest first, and only those whose statistics say that they may hold a larger offset than was found
    so far, so the cost does not grow with the table's history.
    """
    if not lake.exists():
        return {}
    table = DeltaTable(lake.table_uri)
    actions = pa.table(table.get_add_actions(flatten=True)).sort_by([("max.kafka_offset", "descending")])
    bounds = [f"{side}.{name}" for name in ("topic", "kafka_partition") for side in ("min", "max")]
    found: dict[str, int] = {}
    for file in actions.select(["path", "max.kafka_offset", *bounds]).to_pylist():
        one_topic = file["min.topic"] == file["max.topic"]
        partitions = range(file["min.kafka_partition"], file["max.kafka_partition"] + 1)
        if one_topic and all(found.get(f"{file['min.topic']}/{p}", 0) > file["max.kafka_offset"] for p in partitions):
            continue
        rows = pq.read_table(f"{lake.table_uri}/{file['path']}", columns=_COLUMNS, partitioning=None)
        largest = rows.group_by(["topic", "kafka_partition"]).aggregate([("kafka_offset", "max")])
        for topic, partition, offset in zip(*(column.to_pylist() for column in largest.columns), strict=True):
            name = f"{topic}/{partition}"
            found[name] = max(found.get(name, 0), offset + 1)
    return found
