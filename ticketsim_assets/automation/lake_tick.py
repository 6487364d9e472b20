"""A tick: one evaluation of the lake with settings and consumer lag, for the sensor and the command line."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from streaming.kafka.offsets import consumer_lag, topic_offsets
from streaming.lake.reader import Lake
from ticketsim_assets.checks.offsets import OffsetVerdict
from ticketsim_assets.checks.offsets_check import verify_offsets
from ticketsim_assets.hours.cursor import LakeCursor
from ticketsim_assets.hours.evaluation import TickResult, evaluate_lake
from ticketsim_assets.settings import Settings


def run_tick(
    settings: Settings,
    instance: dg.DagsterInstance,
    lake: Lake,
    cursor: LakeCursor,
    *,
    first_loads: bool,
    debounce: timedelta,
) -> tuple[TickResult, OffsetVerdict]:
    """Check the lake's offsets, then evaluate what changed, at one version of the lake; see `evaluate_lake`.

    Raises:
        NoLake: There is no lake yet.
    """
    offsets = topic_offsets(settings.bootstrap)
    snapshot = lake.snapshot()
    verdict = verify_offsets(instance, lake, snapshot)
    watched = evaluate_lake(
        lake,
        snapshot,
        instance,
        cursor,
        now=datetime.now(UTC),
        first_hour=settings.first_hour,
        lateness=settings.lateness,
        lag=None if offsets is None else consumer_lag(offsets, verdict.state.next_offsets),
        first_loads=first_loads,
        debounce=debounce,
        sound=verdict.sound,
    )
    return watched, verdict
