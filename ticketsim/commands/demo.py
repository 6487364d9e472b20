"""``ticketsim demo``: the whole pipeline once."""

from typing import TYPE_CHECKING, Annotated

import typer

from ticketsim.output import JsonOption, console, emit_json, live_status

if TYPE_CHECKING:
    from ticketsim.stack.demo import DemoReport


def demo(
    hours: Annotated[float, typer.Option(min=0.01, help="Hours in which buses arrive, event time.")] = 24,
    seed: Annotated[int, typer.Option(help="The same seed gives the same visitors.")] = 7,
    venues: Annotated[int, typer.Option(min=1, help="Number of venues, each with its own visitors.")] = 2,
    scenario: Annotated[str, typer.Option(metavar="NAME|FILE", help="Built-in scenario, or a TOML file.")] = "original",
    chaos: Annotated[
        str | None,
        typer.Option(metavar="SPEC", help="Faults to inject, like duplicates=0.01,late=0.02:20m,corrupt=0.005."),
    ] = None,
    *,
    json: JsonOption = False,
) -> None:
    """Run the whole pipeline once, from the simulation to the dashboard, and prove that every message arrived."""
    from dataclasses import asdict

    from simulator.chaos import parse_chaos
    from ticketsim.stack.demo import run_demo
    from ticketsim_assets.settings import read_settings

    settings = read_settings()
    faults = parse_chaos(chaos) if chaos else None
    with live_status("broker") as on_progress:
        report = run_demo(
            settings, hours=hours, seed=seed, venues=venues, scenario=scenario, chaos=faults, on_progress=on_progress
        )
    _show(report)
    if json:
        emit_json({**asdict(report), "proved": report.proved})


def _show(report: "DemoReport") -> None:
    from rich.table import Table

    table = Table(title=f"Run {report.run_id}")
    table.add_column("event type")
    for column in ("produced", "in the lake", "in the warehouse"):
        table.add_column(column, justify="right")
    for event_type, produced in report.produced.items():
        in_lake, in_warehouse = report.in_lake.get(event_type, 0), report.in_warehouse.get(event_type, 0)
        table.add_row(event_type, f"{produced:,}", f"{in_lake:,}", f"{in_warehouse:,}")
    table.add_section()
    columns = (report.produced, report.in_lake, report.in_warehouse)
    table.add_row("total", *(f"{sum(column.values()):,}" for column in columns))
    if report.sent_before:
        console.print("the lake already contains this run: it was not sent again")
    console.print(table)
    console.print(f"quarantined: {report.quarantined:,} messages")
    console.print(f"receipts matched: {report.matched:,} of {report.receipts:,} ({report.hours} hours)", style="green")
    console.print(f"figures of the marts matched: {report.figures_matched:,}", style="green")
    stations = ", ".join(f"{name} {seconds:.1f}" for name, seconds in report.seconds.items())
    console.print(f"seconds: {stations}; {sum(report.seconds.values()):.1f} in all", soft_wrap=True)
    console.print(f"page: {report.page}", soft_wrap=True)
    console.print("next: `ticketsim dashboard --open` shows the page, `ticketsim up --pace 60` runs the stack live")
