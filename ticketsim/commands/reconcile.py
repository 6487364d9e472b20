"""``ticketsim reconcile``: compare the warehouse with the simulation's receipts."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketsim.output import JsonOption, console, emit_json, say

if TYPE_CHECKING:
    from ticketsim_assets.checks.differing_events import DifferingEvent
    from ticketsim_assets.checks.reconciliation import Problem, Reconciliation, Venue
    from ticketsim_assets.settings import Settings
    from ticketsim_assets.warehouse.mart_figures import FigureProblem, MartFigures

#: Problems shown one by one; --json lists all of them.
SHOWN = 20

COLOURS = {"proved": "green", "counted": "cyan", "unproved": "yellow", "wrong": "red"}


def reconcile(
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 if anything is not proved, counted included.")
    ] = False,
    first: Annotated[str | None, typer.Option("--from", help="First hour; earlier days are not read.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last hour, included; later days are not read.")] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Compare all stations, and name the first that differs.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare warehouse and marts with the simulation's receipts, per run, venue, hour and event type.

    Exit 1 if anything is wrong. Proved are events that equal their receipt in every field, and figures of marts that
    equal the sums that it states. Counted: in number and duration only, because the receipt is of a release without
    digests. Events without a receipt, because their simulator was killed, are unproved.
    """
    from ticketsim_assets.assets.partitions import parse_hour
    from ticketsim_assets.settings import read_settings

    settings = read_settings()
    start, end = parse_hour(first).start if first else None, parse_hour(last).end if last else None
    explained = _explain(settings, start, end) if explain else None
    found, events = _read(settings, start, end)
    acceptable = {"proved"} if strict else {"proved", "counted", "unproved"}
    ok = found.state in acceptable
    _show(found, events)
    if as_json:
        emit_json(_as_json(found, events, ok) | ({"stations": explained} if explained else {}))
    raise typer.Exit(0 if ok else 1)


def _explain(settings: "Settings", start: datetime | None, end: datetime | None) -> dict[str, Any]:
    """Print all stations side by side, each with what differs, and return the same as plain data."""
    from contextlib import nullcontext

    from ticketsim.explanation import explain
    from ticketsim.warehouse import open_warehouse

    there = settings.warehouse != "duckdb" or settings.warehouse_path.exists()
    reading = open_warehouse(settings).reading() if there else nullcontext()
    with console.status("comparing the stations"), reading as reader:
        explained = explain(settings, reader, start, end)
    for line in explained.lines():
        say(line)
    return explained.as_json()


def _read(
    settings: "Settings", start: datetime | None, end: datetime | None
) -> tuple["Reconciliation", list["DifferingEvent"]]:
    """Read the warehouse that runs write, not the readers' copy; wait while it is locked.

    Returns:
        The comparison with the receipts, and the events behind what is wrong.
    """
    from streaming.lake.reader import Lake
    from ticketsim.warehouse import open_warehouse
    from ticketsim_assets.checks.differing_events import differing_events
    from ticketsim_assets.checks.reconciliation import read_reconciliation
    from ticketsim_assets.exceptions import NothingToReconcile

    if settings.warehouse == "duckdb" and not settings.warehouse_path.exists():
        raise NothingToReconcile(
            f"There is no warehouse at {settings.warehouse_path}. Run `ticketsim demo`, or set TICKETSIM_HOME."
        )
    with console.status("reading the warehouse"), open_warehouse(settings).reading() as connection:
        found = read_reconciliation(connection, start, end)
        if not found.wrong:
            return found, []
        lake = Lake(settings.lake)
        return found, differing_events(connection, lake.snapshot() if lake.exists() else None, found.problems)


def _show(found: "Reconciliation", events: list["DifferingEvent"]) -> None:
    """Print the table of venues and the first problems and events on stderr."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from ticketsim_assets.checks.problem_lines import problem_lines

    table = Table(title="Warehouse against receipts", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("run", overflow="fold")
    table.add_column("venue", overflow="fold")
    table.add_column("hours", no_wrap=True)
    states = [state for state in COLOURS if state in {"proved", "wrong"} or getattr(found, state)]
    for heading in ("events", *states):
        table.add_column(heading, justify="right", no_wrap=True)
    for venue in found.venues:
        hours = f"{venue.hours} from {venue.first_hour:%Y-%m-%d %H}h"
        counts = (f"{count:,}" for count in (venue.events, *(getattr(venue, state) for state in states)))
        table.add_row(venue.run_id, venue.venue_id, hours, *counts, style=COLOURS[venue.state])
    console.print(table)
    if found.counted:
        say(f"counted: {found.counted:,} receipts have no digest; number and durations were compared, contents not")
    _show_first(problem_lines(found.problems), "; --json lists all of them")
    _show_first([(str(event), "wrong") for event in events], " events; --json lists them")
    _show_figures(found.figures)


def _show_figures(figures: "MartFigures") -> None:
    """Print in one line what comparing the marts' figures gave, then the first problems."""
    found = {state: count for state, count in figures.states.items() if count}
    if found:
        counts = ", ".join(f"{count:,} {state}" for state, count in found.items())
        say(f"figures of the marts: {counts}", style=COLOURS[[*found][-1]])
    _show_first([(str(problem), problem.state) for problem in figures.problems], " figures; --json lists all of them")


def _show_first(lines: Sequence[tuple[str, str]], others: str) -> None:
    """Print the first lines, each in the colour of its state, and how many ``others`` there are."""
    for line, state in lines[:SHOWN]:
        say(line, style=COLOURS[state])
    if len(lines) > SHOWN:
        console.print(f"... and {len(lines) - SHOWN:,} more{others}")


def _as_json(found: "Reconciliation", events: list["DifferingEvent"], ok: bool) -> dict[str, Any]:
    return {
        "ok": ok,
        "proved": found.proved,
        "counted": found.counted,
        "unproved": found.unproved,
        "wrong": found.wrong,
        "runs": [_run_as_json(run_id, found.venues) for run_id in sorted({venue.run_id for venue in found.venues})],
        "problems": [_problem_as_json(problem) for problem in found.problems],
        "events": [_event_as_json(event) for event in events],
        "figures": {
            **found.figures.states,
            "problems": [_problem_as_json(problem) for problem in found.figures.problems],
        },
    }


def _run_as_json(run_id: str, all_venues: tuple["Venue", ...]) -> dict[str, Any]:
    from dataclasses import asdict

    from ticketsim_assets.checks.reconciliation import worst

    venues = [venue for venue in all_venues if venue.run_id == run_id]
    counts = {state: sum(getattr(venue, state) for venue in venues) for state in COLOURS}
    return {
        "run_id": run_id,
        "state": worst(**counts),
        "events": sum(venue.events for venue in venues),
        "venues": [
            {key: value for key, value in asdict(venue).items() if key != "run_id"}
            | {"first_hour": venue.first_hour.isoformat(), "last_hour": venue.last_hour.isoformat()}
            | {"state": venue.state}
            for venue in venues
        ],
    }


def _event_as_json(event: "DifferingEvent") -> dict[str, Any]:
    return {
        "run_id": event.run_id,
        "venue_id": event.venue_id,
        "hour": event.hour.isoformat(),
        "event_id": event.event_id,
        "event_type": event.event_type,
        "finding": event.finding,
        "fields": {
            name: {"warehouse": _plain(here), "lake": _plain(there)} for name, (here, there) in event.fields.items()
        },
    }


def _plain(value: Any) -> Any:
    return f"{value.isoformat()}Z" if isinstance(value, datetime) else value


def _problem_as_json(problem: "Problem | FigureProblem") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(problem) | {"hour": problem.hour.isoformat()}
