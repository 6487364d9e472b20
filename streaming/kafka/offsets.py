"""Consumer lag: Kafka's end offsets against what the lake has committed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import confluent_kafka
from confluent_kafka import IsolationLevel, KafkaException
from confluent_kafka.admin import AdminClient, OffsetSpec

from simulator.events import TOPICS
from simulator.kafka_settings import client_config
from streaming.topic_partition import TopicPartition

#: A broker on the same network answers within milliseconds; a sensor must not hang on one that is away.
TIMEOUT_SECONDS: Final = 5.0


_ASKED: Final = (
    (OffsetSpec.earliest(), IsolationLevel.READ_COMMITTED),
    (OffsetSpec.latest(), IsolationLevel.READ_COMMITTED),
    (OffsetSpec.latest(), IsolationLevel.READ_UNCOMMITTED),
)


@dataclass(frozen=True, slots=True)
class TopicOffsets:
    """The log of one topic and partition: offsets ``earliest`` to ``end - 1`` can be read.

    Kafka's "last stable offset", where the first transaction that is still open begins, is the end of what can be read.
    """

    earliest: int
    end: int
    written: int  #: end of all that was written, by transactions that are still open as well


def topic_offsets(bootstrap: str) -> dict[str, TopicOffsets] | None:
    """Return the eight topics' offsets per ``topic/partition``; None if the broker does not answer or lacks a topic.

    Args:
        bootstrap: Kafka's bootstrap servers.
    """
    admin = AdminClient(client_config(bootstrap) | {"socket.timeout.ms": 5000})
    try:
        metadata = admin.list_topics(timeout=TIMEOUT_SECONDS)
        partitions = [
            confluent_kafka.TopicPartition(topic, partition)
            for topic in TOPICS
            for partition in metadata.topics[topic].partitions
        ]
        found = []
        for spec, level in _ASKED:
            asked = admin.list_offsets(
                dict.fromkeys(partitions, spec), isolation_level=level, request_timeout=TIMEOUT_SECONDS
            )
            found.append(
                {str(TopicPartition(tp.topic, tp.partition)): each.result().offset for tp, each in asked.items()}
            )
    except (KafkaException, KeyError):
        return None
    earliest, stable, written = found
    return {name: TopicOffsets(earliest[name], stable[name], written[name]) for name in stable}


def offsets_of_topic(offsets: Mapping[str, TopicOffsets], topic: str) -> dict[str, TopicOffsets]:
    """Return those of ``offsets``, which are per ``topic/partition``, that belong to ``topic``."""
    return {name: log for name, log in offsets.items() if TopicPartition.parse(name).topic == topic}


def consumer_lag(offsets: Mapping[str, TopicOffsets], committed: Mapping[str, int]) -> int:
    """Return the number of offsets in Kafka that can be read and that the lake does not account for yet.

    Before the stream has passed them nobody knows which of them have no record; records of an open transaction are not
    counted.

    Args:
        offsets: What Kafka holds, per ``topic/partition``.
        committed: The lake's next offset, per ``topic/partition``; a missing one has nothing committed.
    """
    return sum(max(0, log.end - max(log.earliest, committed.get(name, 0))) for name, log in offsets.items())


def lag_per_topic(offsets: Mapping[str, TopicOffsets], committed: Mapping[str, int]) -> dict[str, int]:
    """Return ``consumer_lag`` for each topic that Kafka has."""
    return {
        topic: consumer_lag(offsets_of_topic(offsets, topic), committed)
        for topic in sorted({TopicPartition.parse(name).topic for name in offsets})
    }
