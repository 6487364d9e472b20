"""``ticketsim simulate``: run the simulator and send its messages somewhere."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from local.exceptions import LocalError
from local.moments import parse_moment
from local.output import JsonOption, console, emit_json, say

if TYPE_CHECKING:
    from simulator.run import Progress, Run, Summary


def simulate(  # noqa: PLR0917 - the parameters are the command's options
    scenario: Annotated[str, typer.Option(metavar="NAME|FILE", help="Built-in scenario, or a TOML file.")] = "original",
    seed: Annotated[int, typer.Option(help="The same seed gives the same visitors.")] = 7,
    run_id: Annotated[str | None, typer.Option(help="Default: a digest of all that shapes the run.")] = None,
    start: Annotated[
        str | None,
        typer.Option(metavar="ISO|now", help="Simulated start, UTC. Default: a midnight in the past; paced: now."),
    ] = None,
    hours: Annotated[
        float | None, typer.Option(help="Hours in which buses arrive. Paced runs without it go on until Ctrl-C.")
    ] = None,
    pace: Annotated[
        float, typer.Option(help="0: as fast as possible; 1: real time; 60: a minute a second, up to now.")
    ] = 0.0,
    drain: Annotated[
        bool, typer.Option("--drain/--no-drain", help="At the end: let people inside finish, or cut.")
    ] = True,
    venues: Annotated[int, typer.Option(help="Venues, each with its own visitors.")] = 1,
    workers: Annotated[int, typer.Option(help="Processes that the venues are spread over.")] = 1,
    venue_offset: Annotated[
        int, typer.Option(help="Venues of the run that come before these, simulated elsewhere.")
    ] = 0,
    run_venues: Annotated[
        int | None, typer.Option(help="Venues of the whole run, on all machines. Default: those simulated here.")
    ] = None,
    chaos: Annotated[
        str | None,
        typer.Option(
            metavar="duplicates=P,late=P:DELAY,corrupt=P,reorder=P",
            help="Faults on top of the truth, with probability P a message.",
        ),
    ] = None,
    to: Annotated[
        str, typer.Option(metavar="stdout|file:PATH|kafka://HOST:PORT", help="Where the messages go.")
    ] = "stdout",
    *,
    json: JsonOption = False,
) -> None:
    """Simulate venues and send what happens as messages, as fast as possible or in real time."""
    # numpy and SimPy take half a second to load, which `ticketsim --help` should not.
    from simulator.chaos import parse_chaos
    from simulator.run import plan_run
    from simulator.scenario import load_scenario
    from simulator.sinks import check_destination
    from simulator.workers import simulate_to

    if json and to == "stdout":
        raise LocalError(
            "--json prints the summary on stdout, where the messages go; give --to file:PATH or kafka://..."
        )
    check_destination(to)
    faults = None if chaos is None else parse_chaos(chaos)
    run = plan_run(
        load_scenario(scenario),
        seed=seed,
        run_id=run_id,
        start=parse_moment(start),
        hours=hours,
        venues=venues,
        venue_offset=venue_offset,
        run_venues=run_venues,
        pace=pace,
        drain=drain,
    )
    signals: list[int] = []
    with ExitStack() as until_done, _progress(run) as on_progress:
        summary = simulate_to(
            run,
            to,
            workers=workers,
            chaos=faults,
            on_open=lambda: until_done.enter_context(_collecting(signals)),
            on_progress=on_progress,
            stopped=lambda: bool(signals),
            notify=say,
        )
    _print_summary(run, summary)
    if json:
        emit_json(_as_json(summary))


@contextmanager
def _collecting(received: list[int]) -> Iterator[None]:
    """Collect the first Ctrl-C or SIGTERM instead of dying of it; the second one acts as ever."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def receive(number: int, _: FrameType | None) -> None:
        received.append(number)
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in before:
        signal.signal(number, receive)
    try:
        yield
    finally:
        restore()


@contextmanager
def _progress(run: "Run") -> Iterator[Callable[["Progress"], None]]:
    """A live line on stderr; nothing where stderr is no terminal."""
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[events]:,} events  {task.fields[rate]:,.0f}/s  {task.fields[now]} UTC"),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(run.run_id, total=None if run.horizon_us is None else 1.0, events=0, rate=0.0, now="")

        def show(progress: "Progress") -> None:
            bar.update(
                task,
                completed=progress.fraction or 0.0,
                events=progress.events,
                rate=progress.events / progress.seconds if progress.seconds else 0.0,
                now=datetime.fromtimestamp(progress.simulated_us / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S"),
            )

        yield show


def _print_summary(run: "Run", summary: "Summary") -> None:
    from rich.table import Table

    table = Table("event type")
    table.add_column("messages", justify="right")
    for event_type, count in summary.events.items():
        table.add_row(event_type, f"{count:,}")
    table.add_section()
    table.add_row("total", f"{summary.total:,}")
    console.print(table)
    console.print(
        f"run {summary.run_id}, venues: {summary.venues}, "
        f"hours: {summary.first_hour:%Y-%m-%d %H:%M} to {summary.last_hour:%Y-%m-%d %H:%M} UTC, "
        f"{summary.seconds:.1f} s, {summary.events_per_second:,.0f} events/s",
        soft_wrap=True,
    )
    if summary.injected is not None:
        injected = summary.injected
        garbage = ", ".join(f"{kind} {number:,}" for kind, number in sorted(injected.corrupt.items()))
        console.print(
            f"chaos on top: {injected.duplicates:,} duplicates, {injected.late:,} late, {injected.reorder:,} swapped, "
            f"{injected.corrupt.total():,} corrupt{f' ({garbage})' if garbage else ''}",
            soft_wrap=True,
        )
    if summary.stopped and run.horizon_us is not None:
        console.print(
            f"stopped before its end, and its last receipts say so: to simulate all of it, give another --run-id than "
            f"{summary.run_id}",
            style="yellow",
            soft_wrap=True,
        )


def _as_json(summary: "Summary") -> dict[str, object]:
    return {
        "run_id": summary.run_id,
        "scenario": summary.scenario,
        "seed": summary.seed,
        "venues": summary.venues,
        "events": summary.events,
        "total": summary.total,
        "seconds": round(summary.seconds, 3),
        "events_per_second": round(summary.events_per_second, 1),
        "first_hour": summary.first_hour.isoformat(),
        "last_hour": summary.last_hour.isoformat(),
        "stopped": summary.stopped,
        "chaos": None if summary.injected is None else summary.injected.as_dict(),
    }
