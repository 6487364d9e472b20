"""Offsets without a record, as Kafka itself says: what a consumer of committed messages is not given."""

import time
import uuid
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Final

import confluent_kafka
from confluent_kafka import Consumer, KafkaError, KafkaException, Message

from simulator.kafka_settings import client_config
from streaming.exceptions import BrokerUnreachable
from streaming.offset_span import Span
from streaming.topic_partition import TopicPartition

#: Patience with a broker that sends nothing although its log goes on; seconds.
_PATIENCE_S: Final = 30.0

_MESSAGES_AT_ONCE: Final = 5_000


def offsets_without_record(bootstrap: str, spans: Mapping[str, Sequence[Span]]) -> dict[str, list[Span]]:
    """Return the parts of ``spans`` at which Kafka holds no record that can be read.

    Each partition is read once, from the first offset asked for to the last. What lies before its earliest offset, or
    where a transaction is still open, Kafka cannot tell: it is left out.

    Args:
        bootstrap: Kafka's bootstrap servers.
        spans: The offsets to ask about, in order, per ``topic/partition``.

    Raises:
        BrokerUnreachable: The broker does not answer.
    """
    asked = {name: list(of_place) for name, of_place in spans.items() if of_place}
    if not asked:
        return {}
    consumer = Consumer(
        client_config(bootstrap)
        | {
            "group.id": f"ticketsim-offset-gaps-{uuid.uuid4().hex}",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
        }
    )
    try:
        return _Reading(consumer, asked).without_record()
    finally:
        consumer.close()


class _Reading:
    """One pass over the partitions."""

    def __init__(self, consumer: Consumer, asked: dict[str, list[Span]]) -> None:
        self._consumer = consumer
        self._asked = asked
        self._reached = {name: of_place[0].first for name, of_place in asked.items()}
        self._read: dict[str, list[int]] = {name: [] for name in asked}
        self._open = set(asked)

    def without_record(self) -> dict[str, list[Span]]:
        try:
            self._begin()
            self._consume()
        except KafkaException as error:
            raise BrokerUnreachable(
                f"the broker does not say which offsets have no record ({error.args[0].str()}). Is it running?"
            ) from None
        found = {name: self._left(name) for name in self._asked}
        return {name: of_place for name, of_place in found.items() if of_place}

    def _begin(self) -> None:
        places = []
        for name in self._asked:
            topic, partition = TopicPartition.parse(name)
            place = confluent_kafka.TopicPartition(topic, partition)
            earliest, _ = self._consumer.get_watermark_offsets(place, timeout=_PATIENCE_S)
            self._asked[name] = [
                Span(max(first, earliest), end) for first, end in self._asked[name] if end > max(first, earliest)
            ]
            if not self._asked[name]:
                self._open.discard(name)
                continue
            place.offset = self._reached[name] = self._asked[name][0].first
            places.append(place)
        self._consumer.assign(places)

    def _consume(self) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while self._open:
            messages = self._consumer.consume(_MESSAGES_AT_ONCE, timeout=1.0)
            for message in messages:
                self._take(message)
            if messages:
                deadline = time.monotonic() + _PATIENCE_S
            elif time.monotonic() > deadline:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"no answer for {_PATIENCE_S:.0f} s"))

    def _take(self, message: Message) -> None:
        name = str(TopicPartition(str(message.topic()), message.partition() or 0))
        offset = message.offset() or 0
        error = message.error()
        if name not in self._open:
            return
        if error is not None and error.code() == KafkaError._AUTO_OFFSET_RESET:
            self._open.discard(name)  # removed while we asked: nobody can tell any more
        elif error is not None and error.code() != KafkaError._PARTITION_EOF:
            raise KafkaException(error)
        else:
            self._reached[name] = offset
            if error is None:
                self._read[name].append(offset)
            if error is not None or offset + 1 >= self._asked[name][-1].end:
                self._close(name)

    def _close(self, name: str) -> None:
        self._open.discard(name)
        topic, partition = TopicPartition.parse(name)
        self._consumer.incremental_unassign([confluent_kafka.TopicPartition(topic, partition)])

    def _left(self, name: str) -> list[Span]:
        """Return what was asked for and passed without a message."""
        read, left = self._read[name], []
        for first, end in self._asked[name]:
            begin, last = first, min(end, self._reached[name])
            for offset in read[bisect_left(read, first) : bisect_left(read, end)]:
                if begin < offset:
                    left.append(Span(begin, offset))
                begin = offset + 1
            if begin < last:
                left.append(Span(begin, last))
        return left
