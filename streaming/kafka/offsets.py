"""How far the stream is behind: Kafka's end offsets against what the lake has committed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from simulator.events import TOPICS
from simulator.kafka_settings import client_config

#: A broker on the same network answers within milliseconds; a sensor must not hang on one that is away.
TIMEOUT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class TopicOffsets:
    """The log of one topic and partition: offsets ``earliest`` to ``end - 1`` can be read."""

    earliest: int
    end: int


def topic_offsets(bootstrap: str) -> dict[str, TopicOffsets] | None:
    """Offsets per ``topic/partition`` of the eight topics; None if the broker does not answer or lacks a topic.

    Args:
        bootstrap: Kafka's bootstrap servers.
    """
    admin = AdminClient(client_config(bootstrap) | {"socket.timeout.ms": 5000})
    try:
        metadata = admin.list_topics(timeout=TIMEOUT_SECONDS)
        partitions = [
            TopicPartition(topic, partition) for topic in TOPICS for partition in metadata.topics[topic].partitions
        ]
        found = []
        for spec in (OffsetSpec.earliest(), OffsetSpec.latest()):
            asked = admin.list_offsets(dict.fromkeys(partitions, spec), request_timeout=TIMEOUT_SECONDS)
            found.append({f"{tp.topic}/{tp.partition}": future.result().offset for tp, future in asked.items()})
    except (KafkaException, KeyError):
        return None
    earliest, latest = found
    return {name: TopicOffsets(earliest[name], latest[name]) for name in latest}


def offsets_of_topic(offsets: Mapping[str, TopicOffsets], topic: str) -> dict[str, TopicOffsets]:
    """Those of ``offsets``, which are per ``topic/partition``, that are the topic's."""
    return {place: log for place, log in offsets.items() if place.rpartition("/")[0] == topic}


def consumer_lag(offsets: Mapping[str, TopicOffsets], committed: Mapping[str, int]) -> int:
    """Messages in Kafka that the lake does not hold yet.

    Args:
        offsets: per ``topic/partition``.
        committed: next offset of the lake per ``topic/partition``; one that is not named has nothing committed.
    """
    return sum(max(0, log.end - max(log.earliest, committed.get(name, 0))) for name, log in offsets.items())


def lag_per_topic(offsets: Mapping[str, TopicOffsets], committed: Mapping[str, int]) -> dict[str, int]:
    """As ``consumer_lag``, for each topic that Kafka has."""
    return {
        topic: consumer_lag(offsets_of_topic(offsets, topic), committed)
        for topic in sorted({name.rpartition("/")[0] for name in offsets})
    }
