"""``ticketsim status``: the state of every station in one table."""

from ticketsim.output import JsonOption, console, emit_json

COLOURS = {"runs": "green", "there": "green", "absent": "dim", "stopped": "yellow", "broken": "red"}


def status(as_json: JsonOption = False) -> None:
    """Show the state of every station: broker, stream, lake, Dagster, warehouse, dashboard. Changes nothing."""
    from datetime import UTC, datetime

    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from ticketsim.status import stations
    from ticketsim_assets.settings import read_settings

    found = stations(read_settings(), datetime.now(UTC))
    if as_json:
        emit_json({name: {"state": station.state, **station.facts} for name, station in found.items()})
        return
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("station", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("", overflow="fold")
    for name, station in found.items():
        table.add_row(name, Text(station.state, style=COLOURS[station.state]), station.said)
    console.print(table)
