"""``ticketsim up``: run the whole stack, live."""

import signal
import threading
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from ticketsim.commands.stream import parse_trigger
from ticketsim.defaults import DAGSTER_PORT, PAGE_PORT
from ticketsim.output import say

#: A simulation faster than real time starts this long ago, so that there is a backlog to catch up with.
_HEAD_START = timedelta(hours=6)


def up(  # noqa: PLR0917 - the parameters are the command's options
    pace: Annotated[float, typer.Option(min=1, help="1: real time; 60: a minute per second, up to now.")] = 1,
    start: Annotated[
        str | None,
        typer.Option(metavar="ISO|now", help="Simulated start, UTC. Default: now; with a pace above 1: 6 hours ago."),
    ] = None,
    scenario: Annotated[str, typer.Option(metavar="NAME|FILE", help="Built-in scenario, or a TOML file.")] = "original",
    seed: Annotated[int, typer.Option(help="The same seed gives the same visitors.")] = 7,
    venues: Annotated[int, typer.Option(min=1, help="Number of venues, each with its own visitors.")] = 2,
    trigger: Annotated[str, typer.Option(help="Time between two batches of the stream.")] = "2 minutes",
    port: Annotated[int, typer.Option(min=1024, max=65535, help="Port of Dagster's UI.")] = DAGSTER_PORT,
    page_port: Annotated[int, typer.Option(min=1024, max=65535, help="Port of the page.")] = PAGE_PORT,
) -> None:
    """Run broker, stream, simulator and Dagster until Ctrl-C; hours appear in Dagster's UI automatically."""
    from ticketsim.stack.stack import StackOptions, run_stack
    from ticketsim_assets.settings import read_settings

    settings = read_settings()
    parse_trigger(trigger)
    if start is None and pace > 1:
        start = (datetime.now(UTC) - _HEAD_START).replace(minute=0, second=0, microsecond=0).isoformat()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    options = StackOptions(scenario, seed, venues, pace, start, trigger, port, page_port)
    run_stack(settings, options, stop, say)
