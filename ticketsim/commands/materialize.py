"""``ticketsim materialize``: load an hour, a range of hours or all that is due into the warehouse, now."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketsim.output import JsonOption, console, emit_json, live_status, say

if TYPE_CHECKING:
    from streaming.hour import Hour
    from ticketsim_assets.run_locally import RunOutcome
    from ticketsim_assets.settings import Settings


def materialize(
    *,
    hour: Annotated[str | None, typer.Option(help="One hour, like 2026-11-20T03:00 (UTC).")] = None,
    first: Annotated[str | None, typer.Option("--from", help="First hour of a range.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last hour of a range, included.")] = None,
    due: Annotated[
        bool, typer.Option("--due", help="All complete hours whose data no run has loaded yet, and quarantine.")
    ] = False,
    allow_incomplete: Annotated[
        bool, typer.Option("--allow-incomplete", help="Load hours as they are, receipts or not.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Ask Dagster for hours: load, check against the receipts, rebuild marts and page."""
    from ticketsim_assets.settings import read_settings

    ways = (hour is not None, first is not None or last is not None, due)
    if sum(ways) != 1 or (first is None) != (last is None):
        raise typer.BadParameter("give --hour HOUR, or both --from HOUR and --to HOUR, or --due.")
    if due and allow_incomplete:
        raise typer.BadParameter("--due loads complete hours only; name others with --hour, or --from and --to.")
    settings = read_settings()  # refused before Dagster is imported, which takes seconds
    if due:
        _materialize_due(settings, as_json)
    else:
        _materialize_range(settings, hour or first or "", hour or last or "", allow_incomplete, as_json)


def _materialize_range(settings: "Settings", first: str, last: str, allow_incomplete: bool, as_json: bool) -> None:
    from datetime import UTC, datetime

    from ticketsim.materialization import materialize_hours
    from ticketsim.stack.dagster_home import dagster_instance
    from ticketsim_assets.assets.partitions import existing_hours, parse_hour

    start, end = parse_hour(first), parse_hour(last)
    hours = existing_hours(start, end, first_hour=settings.first_hour, now=datetime.now(UTC))
    with dagster_instance(settings) as instance, live_status(f"materialising {len(hours)} hours from {start}"):
        outcomes = materialize_hours(settings, instance, start, end, allow_incomplete=allow_incomplete)
    _say_each(outcomes)
    if as_json:
        emit_json(_as_json(hours, outcomes))


def _materialize_due(settings: "Settings", as_json: bool) -> None:
    from ticketsim.materialization import materialize_due
    from ticketsim.stack.dagster_home import dagster_instance
    from ticketsim_assets.exceptions import RunFailed

    with dagster_instance(settings) as instance, live_status("looking at the lake") as on_progress:
        due = materialize_due(settings, instance, on_progress)
    for note in due.notes:
        say(note)
    _say_each(due.outcomes)
    if not due.outcomes and not due.failures:
        console.print("nothing is due")
    if as_json:
        emit_json({**_as_json(due.hours, due.outcomes), "failed": due.failures, "notes": due.notes})
    if due.failures:
        raise RunFailed(
            f"{len(due.failures)} of {len(due.failures) + len(due.outcomes)} runs failed. {'; '.join(due.failures)}. "
            "`ticketsim materialize --due` again loads each of their hours by itself, at most three times per change."
        )


def _say_each(outcomes: "Sequence[RunOutcome]") -> None:
    for outcome in outcomes:
        console.print(f"{outcome.job}: run {outcome.run_id} succeeded after {outcome.seconds:.1f} s")


def _as_json(hours: "Sequence[Hour]", outcomes: "Sequence[RunOutcome]") -> dict[str, Any]:
    return {
        "hours": [str(each) for each in hours],
        "runs": [{"job": o.job, "run_id": o.run_id, "seconds": round(o.seconds, 1)} for o in outcomes],
    }
