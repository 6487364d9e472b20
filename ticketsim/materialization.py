"""Materialise hours in this process: look at the lake, run the jobs, rebuild the page whatever came of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from dagster import DagsterInstance

from streaming.hour import Hour, hours_between
from ticketsim_assets.exceptions import RunFailed
from ticketsim_assets.hours.due import Request
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
        if _is_loaded(settings):
            run_dashboard(instance, log)
        raise
    outcomes.append(run_dashboard(instance, log))
    return outcomes


@dataclass(slots=True)
class DueOutcome:
    """What one look at the lake asked for, and what came of it."""

    hours: list[Hour]  #: that were due, by the time of their events
    notes: tuple[str, ...]  #: hours that are not complete yet, and why
    outcomes: list[RunOutcome] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)  #: messages of the runs that failed


def materialize_due(settings: Settings, instance: DagsterInstance, on_progress: Callable[[str], None]) -> DueOutcome:
    """Load every hour that is due at one look at the lake, first loads included, and quarantine that changed.

    A run that fails holds back no other: what it was to load is due again, each hour by itself. The page is rebuilt
    if anything ran.

    Args:
        settings: where everything lives.
        instance: where the runs are recorded.
        on_progress: told of every run before it starts.

    Raises:
        NoLake: there is no lake yet.
        LakeUnsound: the lake lost or doubled rows.
    """
    log = settings.logs / "materialize.log"
    watched = tick_lake(settings, instance, first_loads=True)
    due = DueOutcome(_hours_of(watched.hourly), watched.notes)

    def attempt(what: str, run: Callable[[], Sequence[RunOutcome]]) -> None:
        on_progress(what)
        try:
            due.outcomes += run()
        except RunFailed as failed:
            due.failures.append(f"{what}: {failed}")

    for request in watched.hourly:
        attempt(f"hours {_range(request)}", partial(_run_hours, instance, request, log))
    for request in watched.quarantine:
        attempt(f"quarantine {_range(request)}", partial(run_quarantine, instance, [request], log))
    if (due.outcomes or due.failures) and _is_loaded(settings):
        attempt("dashboard", lambda: [run_dashboard(instance, log)])
    return due


def _run_hours(instance: DagsterInstance, request: Request, log: Path) -> list[RunOutcome]:
    return [run_hours(instance, request, log)]


def _hours_of(requests: Sequence[Request]) -> list[Hour]:
    return [hour for request in requests for hour in hours_between(request.first, request.last)]


def _range(request: Request) -> str:
    return str(request.first) if request.first == request.last else f"{request.first} to {request.last}"


def _is_loaded(settings: Settings) -> bool:
    """Whether there is a warehouse that the page could show."""
    return settings.warehouse != "duckdb" or settings.warehouse_path.exists()
