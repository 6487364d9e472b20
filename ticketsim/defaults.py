"""Defaults of the local stack."""

from typing import Final

#: Default port of Dagster's UI.
DAGSTER_PORT: Final = 3_000

#: Partitions of each topic.
PARTITIONS: Final = 3
