"""A partition of a Kafka topic, and its one spelling as text: ``topic/partition``."""

from typing import NamedTuple


class TopicPartition(NamedTuple):
    """A partition of a topic; sorts by topic, then by number."""

    topic: str
    partition: int

    @classmethod
    def parse(cls, name: str) -> "TopicPartition":
        """Parse ``topic/partition``, the key of offsets in JSON, in the lake's checks and in messages.

        Raises:
            ValueError: ``name`` has no slash, or no number behind the last one.
        """
        topic, _, partition = name.rpartition("/")
        if not (topic and partition.isdigit()):
            raise ValueError(f"Invalid partition {name!r}; expected topic/number, for example ticketsim.bus_arrival/0")
        return cls(topic, int(partition))

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"
