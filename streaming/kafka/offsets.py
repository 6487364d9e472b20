"""Consumer lag: Kafka's end offsets against what the lake has committed."""

import contextlib
import socket
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

#: A running broker accepts a connection within milliseconds.
_CONNECT_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class TopicOffsets:
    """The log of one topic and partition: offsets ``earliest`` to ``end - 1`` can be read.

    Kafka's "last stable offset", where the first transaction that is still open begins, is the end of what can be read.
    """

    earliest: int
    end: int


def topic_offsets(bootstrap: str) -> dict[str, TopicOffsets] | None:
    """Return the eight topics' offsets per ``topic/partition``; None if the broker does not answer or lacks a topic.

    Args:
        bootstrap: Kafka's bootstrap servers.
    """
    found = _listed(bootstrap, OffsetSpec.earliest(), OffsetSpec.latest())
    if found is None:
        return None
    earliest, stable = found
    return {name: TopicOffsets(earliest[name], end) for name, end in stable.items()}


def reachable_offsets(bootstrap: str) -> dict[str, TopicOffsets] | None:
    """Return what `topic_offsets` does, and at once None where no server accepts a connection: for a person who waits.

    Args:
        bootstrap: Kafka's bootstrap servers.
    """
    return topic_offsets(bootstrap) if accepts_connections(bootstrap) else None


def accepts_connections(bootstrap: str) -> bool:
    """Return at once whether one of the servers accepts a connection; it need not be ready to answer.

    Args:
        bootstrap: Kafka's bootstrap servers.
    """
    for server in bootstrap.split(","):
        host, _, port = server.rpartition(":")
        with (
            contextlib.suppress(OSError, ValueError, OverflowError),  # no port, or none that there can be
            socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS),
        ):
            return True
    return False


def written_ends(bootstrap: str) -> dict[str, int] | None:
    """Return the ends of all that was written, by transactions that are still open as well; else as `topic_offsets`."""
    found = _listed(bootstrap, OffsetSpec.latest(), level=IsolationLevel.READ_UNCOMMITTED)
    return None if found is None else found[0]


def _listed(
    bootstrap: str, *specs: OffsetSpec, level: IsolationLevel = IsolationLevel.READ_COMMITTED
) -> list[dict[str, int]] | None:
    admin = AdminClient(client_config(bootstrap) | {"socket.timeout.ms": 5000})
    try:
        metadata = admin.list_topics(timeout=TIMEOUT_SECONDS)
        partitions = [
            confluent_kafka.TopicPartition(topic, partition)
            for topic in TOPICS
            for partition in metadata.topics[topic].partitions
        ]
        found = []
        for spec in specs:
            asked = admin.list_offsets(
                dict.fromkeys(partitions, spec), isolation_level=level, request_timeout=TIMEOUT_SECONDS
            )
            found.append(
                {str(TopicPartition(tp.topic, tp.partition)): each.result().offset for tp, each in asked.items()}
            )
    except (KafkaException, KeyError):
        return None
    return found


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
