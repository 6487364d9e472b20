"""What the local stack uses unless it is told otherwise."""

from typing import Final

#: Dagster's own.
DAGSTER_PORT: Final = 3_000

#: Of each topic.
PARTITIONS: Final = 3
