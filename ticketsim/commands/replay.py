"""``ticketsim replay``: send an event log of the published model's simulation as messages."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ticketsim.exceptions import TicketsimError
from ticketsim.output import JsonOption, emit_json, say
from ticketsim.parse_time import parse_time
from ticketsim.progress import print_counts, progress_line
from ticketsim.signals import ending_on_sigterm

if TYPE_CHECKING:
    from simulator.replay import ReplayProgress, ReplaySummary


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON file with sellerLines, scannerLines and events.")],
    start: Annotated[
        str | None, typer.Option(metavar="ISO", help="The log's minute 0, UTC. Default: a midnight in the past.")
    ] = None,
    run_id: Annotated[
        str | None, typer.Option(help="Id of the run. Default: a digest of the file, its start and the venue.")
    ] = None,
    venue_id: Annotated[str, typer.Option(help="Id of the venue.")] = "venue-1",
    to: Annotated[
        str, typer.Option(metavar="stdout|file:PATH|kafka://HOST:PORT", help="Destination of the messages.")
    ] = "stdout",
    *,
    json: JsonOption = False,
) -> None:
    """Send an event log as messages; an invalid log sends nothing."""
    from simulator.replay import open_event_log, plan_replay
    from simulator.replay import replay as send
    from simulator.sinks import check_destination, open_sink

    if json and to == "stdout":
        raise TicketsimError(
            "Conflict between --json and --to stdout: both write to stdout. Use --to file:PATH or kafka://..."
        )
    check_destination(to)
    begins = parse_time(start)
    with ending_on_sigterm(), _progress(file) as (on_read, on_progress), open_event_log(file, on_read) as log:
        run = plan_replay(log, start=begins, run_id=run_id, venue_id=venue_id)
        with open_sink(to, on_wait=say) as sink:
            summary = send(log, run, sink, on_progress)
    _print_summary(summary)
    if json:
        emit_json(_as_json(summary))


@contextmanager
def _progress(file: Path) -> Iterator[tuple[Callable[[int], None], Callable[["ReplayProgress"], None]]]:
    """Show a progress bar on stderr, for reading and for sending."""
    try:
        size = file.stat().st_size
    except OSError:
        size = 0  # opening it says why
    with progress_line(f"reading {file.name}", size or None) as update:

        def show_reading(bytes_read: int) -> None:
            if not size:
                update(done=f"{bytes_read / 1e6:,.0f} MB")
            elif bytes_read < size:
                update(completed=bytes_read, done=f"{bytes_read / 1e6:,.0f} of {size / 1e6:,.0f} MB")
            else:
                update(description=f"sorting {file.name}", total=None, done="")

        def show_sending(progress: "ReplayProgress") -> None:
            update(
                description=f"sending {file.name}",
                total=1.0,
                completed=progress.fraction,
                done=f"{progress.messages:,} messages",
            )

        yield show_reading, show_sending


def _print_summary(summary: "ReplaySummary") -> None:
    print_counts(summary.events)
    say(
        f"run {summary.run_id}, venue {summary.venue_id}, "
        f"hours: {summary.first_hour:%Y-%m-%d %H:%M} to {summary.last_hour:%Y-%m-%d %H:%M} UTC, "
        f"sent in {summary.seconds:.1f} s, {summary.events_per_second:,.0f} events/s"
    )
    if summary.empty_buses:
        say(f"skipped: {summary.empty_buses:,} empty buses, for which the contract has no message")


def _as_json(summary: "ReplaySummary") -> dict[str, object]:
    return {
        "run_id": summary.run_id,
        "venue_id": summary.venue_id,
        "events": summary.events,
        "total": summary.total,
        "empty_buses": summary.empty_buses,
        "seconds": round(summary.seconds, 3),
        "events_per_second": round(summary.events_per_second, 1),
        "first_hour": summary.first_hour.isoformat(),
        "last_hour": summary.last_hour.isoformat(),
    }
