"""Freshness policies: how old the newest hour of an asset may be before the Dagster UI warns."""

from datetime import timedelta
from typing import Final

import dagster as dg

#: A healthy stream commits every two minutes; an hour without rows means a closed venue or a dead stream.
#: Topics have none: Dagster counts materialisations only, and they are observed. Their lag is checked instead.
ROWS_ARRIVE: Final = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(hours=3), warn_window=timedelta(hours=1, minutes=30)
)

#: An hour is loaded once it has closed and is complete, ten minutes later at most if a receipt is missing.
HOURS_ARE_LOADED: Final = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(hours=4), warn_window=timedelta(hours=2, minutes=30)
)
