"""``ticketsim forget``: take a run out of the warehouse and out of the hours that are due."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketsim.output import JsonOption, emit_json, say

if TYPE_CHECKING:
    from streaming.lake.forgotten_runs import ForgottenRun


def forget(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="Id of the run.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would do, and change nothing.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Let a forgotten run count again.")] = False,
    lake: Annotated[str | None, typer.Option("--lake", help="Root of the lake.", show_default="settings")] = None,
    as_json: JsonOption = False,
) -> None:
    """Let a run count for nothing: its hours become due and are loaded again without it.

    Its rows stay in the lake. Messages of it that still come are left out, too.
    """
    from datetime import UTC, datetime

    from streaming.exceptions import UnknownRun
    from streaming.lake.forgotten_runs import forget_run, read_forgotten_runs, recall_run
    from streaming.lake.reader import Lake
    from streaming.storage import usable
    from ticketsim_assets.settings import read_settings

    opened = Lake(usable(lake, "--lake") if lake else read_settings().lake)
    before = read_forgotten_runs(opened).records.get(run_id)
    decide = recall_run if undo else forget_run
    try:
        found = decide(opened, run_id, datetime.now(UTC), dry_run=dry_run)
    except UnknownRun as unknown:
        raise typer.BadParameter(str(unknown), param_hint="RUN") from None
    _say(found, dry_run=dry_run, undo=undo, already=found == before)
    if as_json:
        emit_json(_as_json(found, dry_run=dry_run, already=found == before))


def _say(run: "ForgottenRun", *, dry_run: bool, undo: bool, already: bool) -> None:
    hours = run.hours
    say(
        f"run {run.run_id}: {run.events:,} events and {run.receipts:,} receipts in {len(hours):,} hours, "
        f"{hours[0]} to {hours[-1]}"
    )
    decided = "counts again" if undo else "is forgotten"
    if already:
        say(f"It {decided} since {run.decided_at:%Y-%m-%d %H:%M:%S} UTC already; nothing was changed.")
    elif dry_run:
        say(f"Without --dry-run it {decided}, and its hours become due. Nothing was changed.")
    else:
        say(
            f"It {decided}. Its hours are due: `ticketsim materialize --due` loads them "
            f"{'with' if undo else 'without'} it, and so does the sensor where Dagster runs."
        )


def _as_json(run: "ForgottenRun", *, dry_run: bool, already: bool) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "dry_run": dry_run,
        "already": already,
        "events": run.events,
        "receipts": run.receipts,
        "hours": [str(hour) for hour in run.hours],
        "lake_version": run.lake_version,
        "forgotten_at": run.forgotten_at.isoformat(),
        "undone_at": run.undone_at.isoformat() if run.undone_at else None,
    }
