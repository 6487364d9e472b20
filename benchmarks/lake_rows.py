"""Messages as rows of the lake, without Kafka and Spark."""

from collections.abc import MutableMapping, Sequence
from datetime import datetime
from typing import Final

import pyarrow as pa

from benchmarks.messages import Message
from streaming.contract.validation import validate_batch

#: Of each topic.
PARTITIONS: Final = 3


def rows_of(
    messages: Sequence[Message], next_offsets: MutableMapping[tuple[str, int], int], arrived: datetime
) -> pa.Table:
    """Return the rows that the stream makes of ``messages``, which are spread over partitions.

    Args:
        messages: The messages in the order in which they were sent.
        next_offsets: The next offset of each topic and partition; it is advanced.
        arrived: Kafka's timestamp of all of them.
    """
    topics, values = zip(*messages, strict=True)
    partitions = [number % PARTITIONS for number in range(len(topics))]
    offsets = []
    for place in zip(topics, partitions, strict=True):
        offsets.append(next_offsets[place])
        next_offsets[place] += 1
    batch = {
        "topic": topics,
        "value": pa.array(values, pa.binary()),
        "partition": pa.array(partitions, pa.int32()),
        "offset": pa.array(offsets, pa.int64()),
        "timestamp": pa.array([arrived] * len(topics), pa.timestamp("us", tz="UTC")),
    }
    return pa.table(validate_batch(pa.record_batch(batch), 0))
