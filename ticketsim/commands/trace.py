"""``ticketsim trace``: one message's way through all stations."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketsim.output import JsonOption, console, emit_json, say

if TYPE_CHECKING:
    from ticketsim.trace.hop import Hop, Trace


def trace(
    event_id: Annotated[str, typer.Argument(metavar="EVENT_ID", help="<run_id>-<venue_id>-<sequence>.")],
    *,
    run: Annotated[str | None, typer.Option("--run", help="Its run, if several events have this id.")] = None,
    venue: Annotated[str | None, typer.Option("--venue", help="Its venue, if several events have this id.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show one message's way: its offsets, Delta version and file, load, marts, page and receipt, each with its time.

    Exit 1 if a station lacks it; the first such station is named. Changes nothing.
    """
    from streaming.exceptions import UnknownEvent
    from streaming.lake.event_search import EventName
    from ticketsim_assets.settings import read_settings

    settings = read_settings()
    try:
        name = EventName(event_id, run, venue)
        with console.status("looking for the message"):
            from ticketsim.trace.way import trace_event

            found = trace_event(settings, name)
    except UnknownEvent as unknown:
        raise typer.BadParameter(str(unknown), param_hint="EVENT_ID") from None
    if as_json:
        emit_json(_as_json(found))
    else:
        _show(found)
    raise typer.Exit(1 if found.missing else 0)


def _show(found: "Trace") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("time (UTC)", no_wrap=True)
    table.add_column("station", no_wrap=True)
    table.add_column("", overflow="fold")
    for hop in found.hops:
        time = f"{hop.at:%Y-%m-%d %H:%M:%S}" if hop.at else ""
        table.add_row(time, Text(hop.station, style=_colour(hop)), hop.said)
    console.print(table)
    if found.missing:
        say(f"missing: {found.missing}", style="red")


def _colour(hop: "Hop") -> str:
    return {True: "green", False: "red", None: "yellow"}[hop.found]


def _as_json(found: "Trace") -> dict[str, Any]:
    return {
        "event_id": found.name.event_id,
        "run_id": found.run_id,
        "venue_id": found.venue_id,
        "event_type": found.event_type,
        "hour": str(found.hour) if found.hour else None,
        "missing": found.missing,
        "hops": [_hop_as_json(hop) for hop in found.hops],
    }


def _hop_as_json(hop: "Hop") -> dict[str, Any]:
    known = {"station": hop.station, "found": hop.found, "at": hop.at, "said": hop.said, **hop.facts}
    return {name: _plain(value) for name, value in known.items()}


def _plain(value: Any) -> Any:
    """Return ``value`` with times as ISO 8601."""
    match value:
        case datetime():
            return value.isoformat()
        case Mapping():
            return {name: _plain(each) for name, each in value.items()}
        case list():
            return [_plain(each) for each in value]
    return value
