"""Materialise hours in this process: look at the lake, run the jobs, rebuild the page whatever came of it."""

from dagster import DagsterInstance

from streaming.hour import Hour
from ticketsim_assets.exceptions import RunFailed
from ticketsim_assets.run_locally import (
    RunOutcome,
    manual_request,
    run_dashboard,
    run_hours,
    run_quarantine,
    tick_lake,
)
from ticketsim_assets.settings import Settings


def materialize_hours(
    settings: Settings, instance: DagsterInstance, first: Hour, last: Hour, *, allow_incomplete: bool
) -> list[RunOutcome]:
    """Load all hours from ``first`` to ``last``, and quarantine that changed; then rebuild the page.

    Raises:
        NoLake: there is no lake yet.
        LakeUnsound: the lake lost or doubled rows.
        RunFailed: a run failed; the page has been rebuilt all the same, so that it shows red.
    """
    log = settings.logs / "materialize.log"
    watched = tick_lake(settings, instance, first_loads=False)
    outcomes: list[RunOutcome] = []
    try:
        outcomes.append(run_hours(instance, manual_request(first, last), log, allow_incomplete=allow_incomplete))
        outcomes += run_quarantine(instance, watched.quarantine, log)
    except RunFailed:
        if settings.warehouse != "duckdb" or settings.warehouse_path.exists():
            run_dashboard(instance, log)
        raise
    outcomes.append(run_dashboard(instance, log))
    return outcomes
