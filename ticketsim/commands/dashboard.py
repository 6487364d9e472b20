"""``ticketsim dashboard``: rebuild the page from the warehouse."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ticketsim.output import JsonOption, console, emit_json, print_result, say

if TYPE_CHECKING:
    from ticketsim_assets.settings import Settings

OpenOption = Annotated[bool, typer.Option("--open", help="Show the page in the browser.")]


def dashboard(open_page: OpenOption = False, json: JsonOption = False) -> None:
    """Build the page from the warehouse: one HTML file that needs no server and no network."""
    import webbrowser
    from dataclasses import asdict

    from ticketsim.warehouse import open_warehouse, terminal_wait_policy
    from ticketsim_assets.dashboard.data import marts_of, read_marts
    from ticketsim_assets.dashboard.page import publish_page, write_page
    from ticketsim_assets.dashboard.plans import read_plans
    from ticketsim_assets.settings import read_settings

    settings = read_settings()
    with console.status("building the page"):
        if settings.warehouse == "duckdb":
            marts = read_marts(readable_warehouse(settings), terminal_wait_policy())
        else:
            with open_warehouse(settings).published() as reader:
                marts = marts_of(reader)
        summary = write_page(marts, settings.dashboard_path, read_plans(settings.plans))
        if settings.page_object:
            publish_page(settings.dashboard_path, settings.page_object)

    if summary.missing:
        say(f"the warehouse has no {' and no '.join(summary.missing)}; the page says how to build them")
    if json:
        emit_json(asdict(summary))
    else:
        print_result(summary.path)
    if open_page and not webbrowser.open(settings.dashboard_path.as_uri()):
        console.print("Cannot start a browser; open the file yourself.", style="yellow")


def readable_warehouse(settings: "Settings") -> Path:
    """Return the readers' copy of the warehouse, which is never locked, or else the warehouse itself.

    Raises:
        NoWarehouse: Neither exists.
    """
    from ticketsim.exceptions import NoWarehouse

    for path in (settings.readers_path, settings.warehouse_path):
        if path.exists():
            return path
    raise NoWarehouse(
        f"There is no warehouse at {settings.warehouse_path}. "
        "Run `ticketsim demo` to fill one, or set TICKETSIM_HOME to the folder that contains it."
    )
