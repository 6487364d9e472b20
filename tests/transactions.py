"""Producers with transactions, as Kafka Streams, Flink and Connect have them, and compaction at once."""

import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

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


def compact(bootstrap: str, topic: str, partition: int = 0) -> None:
    """Have Kafka compact what a partition holds now: of each key the last message stays."""
    _alter(bootstrap, ConfigResource.Type.BROKER, "1", {"log_cleaner_backoff_ms": "100"})
    alter_topic(
        bootstrap, topic, cleanup_policy="compact", segment_ms="50", min_cleanable_dirty_ratio="0.0",
        max_compaction_lag_ms="100",
    )  # fmt: skip
    before = readable(bootstrap, topic, partition)
    time.sleep(0.1)
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0})
    deadline = time.monotonic() + 60
    while not before - readable(bootstrap, topic, partition):
        assert time.monotonic() < deadline, "Kafka has compacted nothing for a minute"
        # The segment that is being written is never compacted: each message begins another one.
        producer.produce(topic, b"not JSON", key=b"roll", partition=partition)
        producer.flush(30)
        time.sleep(0.2)


def readable(bootstrap: str, topic: str, partition: int = 0) -> set[int]:
    """Return the offsets that a consumer of committed messages reads."""
    settings = {"bootstrap.servers": bootstrap, "group.id": "test", "isolation.level": "read_committed"}
    consumer = Consumer(settings | {"enable.auto.commit": False, "enable.partition.eof": True, "log_level": 0})
    consumer.assign([TopicPartition(topic, partition, 0)])
    found: set[int] = set()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        message = consumer.poll(1.0)
        if message is not None and message.error():
            consumer.close()
            return found
        if message is not None:
            offset = message.offset()
            assert offset is not None
            found.add(offset)
    raise AssertionError(f"the end of {topic}/{partition} was not reached in 30 s")


def _alter(bootstrap: str, kind: Any, name: str, changes: dict[str, str]) -> None:
    entries = [
        ConfigEntry(setting.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
        for setting, value in changes.items()
    ]
    resource = ConfigResource(kind, name, incremental_configs=entries)
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    admin.incremental_alter_configs([resource])[resource].result()
