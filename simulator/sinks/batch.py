"""Batches: many messages in one piece of memory, for sinks that need not look at each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from simulator.sinks.protocol import Sink


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages in their order. Its memory holds the next ones as soon as it is sent."""

    lines: NDArray[Any]  #: bytes of all messages, each with a line break behind it
    ends: NDArray[Any]  #: the place after each one's line break
    topics: NDArray[Any]  #: of each, its topic's place in ``TOPICS``
    venues: NDArray[Any]  #: of each, its key's place in ``keys``
    keys: Sequence[bytes]


@runtime_checkable
class BatchSink(Sink, Protocol):
    """Sink that takes many messages at once."""

    def send_batch(self, batch: Batch) -> None:
        """Send messages, in order; see ``Sink.send``."""


def send_batch(sink: Sink, topics: Sequence[str], batch: Batch) -> None:
    """Send messages to a sink, one by one if it takes no batches."""
    if isinstance(sink, BatchSink):
        sink.send_batch(batch)
        return
    lines, begin = batch.lines.tobytes(), 0
    for end, topic, venue in zip(batch.ends.tolist(), batch.topics.tolist(), batch.venues.tolist(), strict=True):
        sink.send(topics[topic], batch.keys[venue], lines[begin : end - 1])
        begin = end
