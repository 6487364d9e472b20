"""What the local stack uses unless it is told otherwise."""

from typing import Final

#: Ten thousand above Kafka's own 9092, which another Kafka on the same machine would have.
BROKER_PORT: Final = 19_092

#: Dagster's own.
DAGSTER_PORT: Final = 3_000

#: Of each topic.
PARTITIONS: Final = 3
