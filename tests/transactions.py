"""Producers with transactions, as Kafka Streams, Flink and Connect have them, and compaction at once."""

import time
import uuid
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from simulator.events import TOPICS

Message = tuple[str, bytes]


@contextmanager
def transaction(bootstrap: str, *, commit: bool = True) -> Iterator[Producer]:
    """Commit, or abort, what is produced in the block."""
    producer = Producer(
        {"bootstrap.servers": bootstrap, "transactional.id": uuid.uuid4().hex, "linger.ms": 5, "log_level": 0}
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    yield producer
    assert producer.flush(30) == 0  # an aborted transaction is in the log as well
    (producer.commit_transaction if commit else producer.abort_transaction)(30)


def send(bootstrap: str, messages: Iterable[Message], *, commit: bool = True) -> None:
    """Send messages in one transaction."""
    with transaction(bootstrap, commit=commit) as producer:
        for number, (topic, value) in enumerate(messages):
            producer.produce(topic, value, key=str(number % 11))


def alter_topic(bootstrap: str, topic: str, **changes: str) -> None:
    """Change a topic's configuration; dots are written as underscores."""
    _alter(bootstrap, ConfigResource.Type.TOPIC, topic, changes)


def compact(bootstrap: str, topic: str) -> None:
    """Have Kafka compact what the topic's first partition holds now: of each key the last message stays."""
    alter_topic(
        bootstrap, topic, cleanup_policy="compact", segment_ms="50", min_cleanable_dirty_ratio="0.0",
        max_compaction_lag_ms="100",
    )  # fmt: skip
    before = readable(bootstrap, [topic])
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0})
    deadline = time.monotonic() + 90
    while not before - readable(bootstrap, [topic]):
        assert time.monotonic() < deadline, "Kafka has compacted nothing in 90 s"
        # The segment that is being written is never compacted: each message begins another one.
        producer.produce(topic, b"not JSON", key=b"roll", partition=0)
        assert producer.flush(30) == 0
        time.sleep(0.5)


def readable(bootstrap: str, topics: Collection[str] = TOPICS) -> set[tuple[str, int, int]]:
    """Return topic, partition and offset of each message that a consumer of committed messages reads."""
    settings = {"bootstrap.servers": bootstrap, "group.id": "test", "isolation.level": "read_committed"}
    consumer = Consumer(settings | {"enable.auto.commit": False, "enable.partition.eof": True, "log_level": 0})
    partitions = consumer.list_topics(timeout=10).topics
    unread = {(topic, partition) for topic in topics for partition in partitions[topic].partitions}
    consumer.assign([TopicPartition(*place, 0) for place in unread])
    found: set[tuple[str, int, int]] = set()
    deadline = time.monotonic() + 30
    while unread:
        assert time.monotonic() < deadline, f"the end of {unread} was not reached in 30 s"
        for message in consumer.consume(1_000, timeout=0.5):
            place = message.topic(), message.partition()
            if message.error():
                unread.discard(place)
            else:
                found.add((*place, message.offset()))
    consumer.close()
    return found


def _alter(bootstrap: str, kind: Any, name: str, changes: dict[str, str]) -> None:
    entries = [
        ConfigEntry(setting.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
        for setting, value in changes.items()
    ]
    resource = ConfigResource(kind, name, incremental_configs=entries)
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    admin.incremental_alter_configs([resource])[resource].result()
