"""``ticketsim materialize``: load an hour or a range of hours into the warehouse, now."""

from typing import Annotated

import typer

from ticketsim.output import JsonOption, console, emit_json, live_status


def materialize(
    hour: Annotated[str | None, typer.Option(help="One hour, like 2026-11-20T03:00 (UTC).")] = None,
    first: Annotated[str | None, typer.Option("--from", help="First hour of a range.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last hour of a range, included.")] = None,
    allow_incomplete: Annotated[
        bool, typer.Option("--allow-incomplete", help="Load hours as they are, receipts or not.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Ask Dagster for an hour or a range of hours: load, check against the receipts, rebuild marts and page."""
    if (hour is None) == (first is None and last is None) or (first is None) != (last is None):
        raise typer.BadParameter("give either --hour HOUR or both --from HOUR and --to HOUR.")
    from datetime import UTC, datetime

    from ticketsim.materialization import materialize_hours
    from ticketsim.stack.dagster_home import dagster_instance
    from ticketsim_assets.assets.partitions import existing_hours, parse_hour
    from ticketsim_assets.settings import Settings

    settings = Settings()
    start, end = parse_hour(hour or first or ""), parse_hour(hour or last or "")
    hours = existing_hours(start, end, datetime.now(UTC))
    with dagster_instance(settings) as instance, live_status(f"materialising {len(hours)} hours from {start}"):
        outcomes = materialize_hours(settings, instance, start, end, allow_incomplete=allow_incomplete)
    for outcome in outcomes:
        console.print(f"{outcome.job}: run {outcome.run_id} ended well after {outcome.seconds:.1f} s")
    if as_json:
        emit_json(
            {
                "hours": [str(each) for each in hours],
                "runs": [{"job": o.job, "run_id": o.run_id, "seconds": round(o.seconds, 1)} for o in outcomes],
            }
        )
