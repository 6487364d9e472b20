"""``ticketsim simulate``: run the simulator and send its messages somewhere."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ticketsim.exceptions import TicketsimError
from ticketsim.output import JsonOption, emit_json, say
from ticketsim.parse_time import parse_time
from ticketsim.progress import print_counts, progress_line
from ticketsim.signals import ending_on_sigterm, stopping

if TYPE_CHECKING:
    from simulator.run import Progress, Run, Summary


def simulate(  # noqa: PLR0917 - the parameters are the command's options
    scenario: Annotated[str, typer.Option(metavar="NAME|FILE", help="Built-in scenario, or a TOML file.")] = "original",
    seed: Annotated[int, typer.Option(help="The same seed gives the same visitors.")] = 7,
    run_id: Annotated[str | None, typer.Option(help="Id of the run. Default: a digest of its parameters.")] = None,
    start: Annotated[
        str | None,
        typer.Option(metavar="ISO|now", help="Simulated start, UTC. Default: a midnight in the past; paced: now."),
    ] = None,
    hours: Annotated[
        float | None, typer.Option(help="Hours in which buses arrive. Paced runs without it continue until Ctrl-C.")
    ] = None,
    pace: Annotated[
        float, typer.Option(help="0: as fast as possible; 1: real time; 60: a minute per second, up to now.")
    ] = 0.0,
    drain: Annotated[
        bool, typer.Option("--drain/--no-drain", help="At the end, let people inside finish, or cut them off.")
    ] = True,
    venues: Annotated[int, typer.Option(help="Number of venues, each with its own visitors.")] = 1,
    workers: Annotated[int, typer.Option(help="Number of processes that the venues are spread over.")] = 1,
    venue_offset: Annotated[
        int, typer.Option(help="Number of venues of the run before these, simulated elsewhere.")
    ] = 0,
    run_venues: Annotated[
        int | None, typer.Option(help="Venues of the whole run, on all machines. Default: those simulated here.")
    ] = None,
    chaos: Annotated[
        str | None,
        typer.Option(
            metavar="duplicates=P,late=P:DELAY,corrupt=P,reorder=P",
            help="Faults to inject, with probability P per message.",
        ),
    ] = None,
    engine: Annotated[
        Literal["auto", "simpy", "fast"],
        typer.Option(
            help="simpy: the reference; fast: the same messages, several times as fast, without a pace, if "
            "installed; auto: fast for long runs."
        ),
    ] = "auto",
    to: Annotated[
        str, typer.Option(metavar="stdout|file:PATH|kafka://HOST:PORT", help="Destination of the messages.")
    ] = "stdout",
    *,
    json: JsonOption = False,
) -> None:
    """Simulate venues and send what happens as messages, as fast as possible or in real time."""
    # numpy and SimPy take half a second to load, which `ticketsim --help` should not.
    from simulator.chaos import parse_chaos
    from simulator.engine_choice import choose_engine
    from simulator.run import plan_run
    from simulator.scenario import load_scenario
    from simulator.sinks import check_destination
    from simulator.workers import simulate_to

    if json and to == "stdout":
        raise TicketsimError(
            "Conflict between --json and --to stdout: both write to stdout. Use --to file:PATH or kafka://..."
        )
    check_destination(to)
    faults = None if chaos is None else parse_chaos(chaos)
    run = plan_run(
        load_scenario(scenario),
        seed=seed,
        run_id=run_id,
        start=parse_time(start),
        hours=hours,
        venues=venues,
        venue_offset=venue_offset,
        run_venues=run_venues,
        pace=pace,
        drain=drain,
    )
    chosen = choose_engine(engine, run, workers)
    signals: list[int] = []
    with ending_on_sigterm(), ExitStack() as until_done, _progress(run) as on_progress:
        summary = simulate_to(
            run,
            to,
            workers=workers,
            chaos=faults,
            engine=chosen,
            on_open=lambda: until_done.enter_context(stopping(signals, _say_what_is_lost)),
            on_progress=on_progress,
            stopped=lambda: bool(signals),
            on_wait=say,
        )
    _print_summary(run, summary, chosen)
    if json:
        emit_json(_as_json(summary) | {"engine": chosen})


def _say_what_is_lost() -> None:
    say("stopped before everything was delivered. Run it again with the same options to send the rest")


@contextmanager
def _progress(run: "Run") -> Iterator[Callable[["Progress"], None]]:
    """Show a progress bar on stderr, and a sentence when the simulation is late, twice as late, or on time again."""
    from simulator.environment import MATERIAL_S

    with progress_line(run.run_id, None if run.horizon_us is None else 1.0) as update:
        reported_s = 0.0

        def show(progress: "Progress") -> None:
            nonlocal reported_s
            late_s = progress.lateness.present_s
            if late_s >= max(MATERIAL_S, 2 * reported_s):
                say(f"late: {late_s:.1f} s behind the wall clock at pace {run.pace:g}; no event is skipped")
                reported_s = late_s
            elif reported_s and late_s < MATERIAL_S / 2:
                say("on time again")
                reported_s = 0.0
            rate = progress.events / progress.seconds if progress.seconds else 0.0
            now = datetime.fromtimestamp(progress.simulated_us / 1_000_000, UTC)
            late = f"  {late_s:.1f} s late" if late_s >= MATERIAL_S else ""
            update(
                completed=progress.fraction or 0.0,
                done=f"{progress.events:,} events  {rate:,.0f}/s  {now:%Y-%m-%d %H:%M:%S} UTC{late}",
            )

        yield show


def _print_summary(run: "Run", summary: "Summary", engine: str) -> None:
    print_counts(summary.events)
    say(
        f"run {summary.run_id}, venues: {summary.venues}, "
        f"hours: {summary.first_hour:%Y-%m-%d %H:%M} to {summary.last_hour:%Y-%m-%d %H:%M} UTC, "
        f"{summary.seconds:.1f} s, {summary.events_per_second:,.0f} events/s, engine {engine}"
    )
    if summary.injected is not None:
        injected = summary.injected
        garbage = ", ".join(f"{kind} {number:,}" for kind, number in sorted(injected.corrupt.items()))
        say(
            f"faults: {injected.duplicates:,} duplicates, {injected.late:,} late, {injected.reorder:,} reordered, "
            f"{injected.corrupt.total():,} corrupt{f' ({garbage})' if garbage else ''}"
        )
    if summary.lateness.matters:
        say(
            f"late: up to {summary.lateness.largest_s:.1f} s behind the wall clock, {summary.lateness.present_s:.1f} s "
            "at the end; a lower --pace, fewer --venues or more --workers may help"
        )
    if summary.stopped and not run.live:
        where = "at the end of an hour" if summary.whole_hours else "within an hour, whose receipts were not sent"
        say(
            f"stopped early, {where}: the beginning of the run was sent. Run it again with the same options to send "
            "the rest; nothing else changes"
        )


def _as_json(summary: "Summary") -> dict[str, object]:
    late = summary.lateness
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
        "lateness_s": {"largest": round(late.largest_s, 3), "present": round(late.present_s, 3)}
        if late.matters
        else None,
        "chaos": None if summary.injected is None else summary.injected.as_dict(),
    }
