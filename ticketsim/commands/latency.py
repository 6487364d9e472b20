"""``ticketsim latency``: how long messages take from the event to the page."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketsim.output import JsonOption, console, emit_json, say

if TYPE_CHECKING:
    from ticketsim.latency import Latencies, Latency

#: Runs that are named one by one.
SHOWN = 5


def latency(
    *,
    first: Annotated[str | None, typer.Option("--from", help="First hour.", show_default="the newest 24 hours")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last hour, included.", show_default="the newest")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show how long messages of loaded hours took from event to broker, lake, warehouse and page: p50 and p95.

    A run that is not in real time, such as the demo's, begins at the broker: its event times are not the wall clock's.
    Changes nothing.
    """
    from ticketsim_assets.settings import read_settings

    settings = read_settings()
    with console.status("reading what the stations have recorded"):
        from ticketsim.latency import measure_latencies
        from ticketsim_assets.assets.partitions import parse_hour

        hours = (parse_hour(first) if first else None, parse_hour(last) if last else None)
        found = measure_latencies(settings, *hours)
    if as_json:
        emit_json(_as_json(found))
    else:
        _show(found)


def _show(found: "Latencies") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("from", "to"):
        table.add_column(heading, no_wrap=True)
    for heading in ("messages", "p50", "p95"):
        table.add_column(heading, justify="right", no_wrap=True)
    for group in (found.hops, found.totals[1:]):
        for each in group:
            table.add_row(each.since, each.station, f"{each.messages:,}", _seconds(each.p50_s), _seconds(each.p95_s))
        table.add_section()
    say(f"{found.messages:,} messages of {len(found.hours)} hours, {found.hours[0]} to {found.hours[-1]}")
    console.print(table)
    if found.other_runs:
        named = ", ".join(found.other_runs[:SHOWN])
        more = f" and {len(found.other_runs) - SHOWN} more" if len(found.other_runs) > SHOWN else ""
        say(f"not in real time, so that their way begins at the broker: runs {named}{more}", style="yellow")
    if found.left_out:
        say(f"left out: {found.left_out:,} messages whose commits are not among those that are read", style="yellow")


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:,.1f} s"


def _as_json(found: "Latencies") -> dict[str, Any]:
    return {
        "hours": [str(hour) for hour in found.hours],
        "messages": found.messages,
        "left_out": found.left_out,
        "runs_not_in_real_time": list(found.other_runs),
        "hops": [_latency_as_json(each) for each in found.hops],
        "totals": [_latency_as_json(each) for each in found.totals],
    }


def _latency_as_json(latency: "Latency") -> dict[str, Any]:
    return {
        "from": latency.since,
        "to": latency.station,
        "messages": latency.messages,
        "p50_s": latency.p50_s,
        "p95_s": latency.p95_s,
    }
