"""Operations on topics: recreated, truncated at the front, truncated at the end, given more partitions."""

import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions

from simulator.topics import MAX_MESSAGE_BYTES
from streaming.kafka.offsets import TopicOffsets, topic_offsets


def _admin(bootstrap: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})


def held(bootstrap: str) -> dict[str, TopicOffsets]:
    """Return the offsets that Kafka holds, per ``topic/partition``; waits for topics that were just created."""
    deadline = time.monotonic() + 30
    while (found := topic_offsets(bootstrap)) is None:
        assert time.monotonic() < deadline, f"the broker {bootstrap} does not answer"
        time.sleep(0.2)
    return found


def cut_front(bootstrap: str, topic: str) -> None:
    """Remove all messages that a topic holds now, as its retention would."""
    log = held(bootstrap)
    ends = [
        TopicPartition(topic, int(n.rpartition("/")[2]), of.end) for n, of in log.items() if n.startswith(f"{topic}/")
    ]
    admin = _admin(bootstrap)  # held: its answers go with it
    for future in admin.delete_records(ends).values():
        future.result()


def lose_log(broker_directory: Path, topic: str, partition: int) -> None:
    """Empty a partition, as after a replaced disk of the broker, which must not run meanwhile."""
    shutil.rmtree(next(broker_directory.glob(f"data/**/{topic}-{partition}")))


def add_partitions(bootstrap: str, topic: str, total: int) -> None:
    """Give a topic more partitions."""
    admin = _admin(bootstrap)
    admin.create_partitions([NewPartitions(topic, total)])[topic].result()


def let_the_sender_date(bootstrap: str, topic: str) -> None:
    """Set the topics to the sender's timestamps, so that a test can be the broker's clock."""
    entry = ConfigEntry("message.timestamp.type", "CreateTime", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    admin = _admin(bootstrap)
    admin.incremental_alter_configs([resource])[resource].result()


def produce(bootstrap: str, topic: str, values: Iterable[bytes], *, timestamp_ms: int = 0) -> None:
    """Send messages to one topic; their sender's clock says ``timestamp_ms``, 0 for the present."""
    producer = Producer({"bootstrap.servers": bootstrap, "message.max.bytes": MAX_MESSAGE_BYTES, "acks": "all"})
    for value in values:
        producer.produce(topic, value, timestamp=timestamp_ms)
        producer.poll(0)
    assert producer.flush(60) == 0


def fill(bootstrap: str, messages: int = 3, *, topic: str | None = None, value: bytes = b"not JSON") -> int:
    """Send messages that break the contract into every partition of a topic, or of all; return how many."""
    log = held(bootstrap)
    names = [name for name in log if topic is None or name.startswith(f"{topic}/")]
    producer = Producer({"bootstrap.servers": bootstrap, "message.max.bytes": MAX_MESSAGE_BYTES, "acks": "all"})
    for name in names:
        where, _, partition = name.rpartition("/")
        for _ in range(messages):
            producer.produce(where, value, partition=int(partition))
    assert producer.flush(60) == 0
    return messages * len(names)
