"""Defaults of the local stack."""

from typing import Final

#: Default port of Dagster's UI.
DAGSTER_PORT: Final = 3_000

#: Default port of the page while `ticketsim up` serves it; the cloud's second web server of Dagster has 3001.
PAGE_PORT: Final = 3_002

#: Partitions of each topic.
PARTITIONS: Final = 3
