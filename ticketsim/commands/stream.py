"""``ticketsim stream``: write Kafka's messages into the lake."""

import dataclasses
import signal
import threading
from datetime import timedelta
from typing import Annotated

import humanfriendly
import typer

from ticketsim.output import JsonOption, emit_json, log_to_terminal, say


def parse_trigger(text: str) -> timedelta:
    """Parse a duration like ``2 minutes`` or ``10s``; usage error if it is invalid or shorter than a second."""
    try:
        seconds = humanfriendly.parse_timespan(text)
    except humanfriendly.InvalidTimespan:
        raise typer.BadParameter(f"Invalid duration {text!r}; expected for example '2 minutes' or '10s'.") from None
    if seconds < 1:
        raise typer.BadParameter(f"Invalid trigger {text!r}; expected one second or more.")
    return timedelta(seconds=seconds)


def stream(  # noqa: PLR0917  # typer passes by name
    bootstrap: Annotated[str | None, typer.Option(help="Kafka's bootstrap servers.", show_default="settings")] = None,
    lake: Annotated[
        str | None, typer.Option(help="Root of the lake: a directory or gs://bucket/prefix.", show_default="settings")
    ] = None,
    checkpoint: Annotated[
        str | None, typer.Option(help="Folder of the query's checkpoint.", show_default="settings")
    ] = None,
    trigger: Annotated[timedelta, typer.Option(parser=parse_trigger, help="Time between two batches.")] = "2 minutes",  # type: ignore[assignment]  # parsed by typer
    once: Annotated[bool, typer.Option("--once", help="Write all pending messages, then stop.")] = False,
    recover: Annotated[
        bool, typer.Option("--recover", help="Show where the lake ends, set the checkpoint aside and resume there.")
    ] = False,
    accept_loss: Annotated[
        bool,
        typer.Option(
            "--accept-loss", help="Like --recover; messages gone from Kafka are recorded in the lake as lost."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --recover or --accept-loss: only show what they would do.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write Kafka's messages into the lake; Ctrl-C or SIGTERM stops it after the current batch."""
    from streaming.lake.offset_gaps import OffsetGaps
    from streaming.lake.reader import Lake
    from streaming.query.checkpoint import examine
    from streaming.query.gap_recorder import find_all_gaps, find_unrecorded_gaps
    from streaming.query.partition_positions import survey
    from streaming.query.runner import StreamConfig, run_stream
    from streaming.query.start_position import newest_committed_batch
    from streaming.storage import path_of, usable
    from ticketsim.recovery import describe, show  # Spark takes a second to import
    from ticketsim_assets.settings import read_settings

    if dry_run and not (recover or accept_loss):
        raise typer.BadParameter("Missing --recover or --accept-loss; --dry-run shows what one of them would do.")
    settings = read_settings()
    config = StreamConfig(
        bootstrap=bootstrap or settings.bootstrap,
        lake=usable(lake, "--lake") if lake else settings.lake,
        checkpoint=path_of(usable(checkpoint, "--checkpoint")) if checkpoint else settings.checkpoint,
        trigger=None if once else trigger,
        start_from="accepting_loss" if accept_loss else "lake" if recover else "checkpoint",
    )
    log_to_terminal("streaming")
    recovery = {}
    if recover or accept_loss:
        opened = Lake(config.lake)
        unrecorded = [
            *find_unrecorded_gaps(config.bootstrap, opened, config.checkpoint, config.clock),
            *find_all_gaps(config.bootstrap, opened, config.clock),
        ]
        resumption = survey(config.bootstrap, opened, unrecorded)
        fit = examine(config.checkpoint, resumption.committed, newest_committed_batch(config.checkpoint, opened))
        without_record = OffsetGaps.of(unrecorded).offsets
        show(resumption, fit, without_record=without_record, accept_loss=accept_loss)
        recovery = {"recovery": describe(resumption, fit, without_record=without_record, dry_run=dry_run)}
    if dry_run:
        if as_json:
            emit_json(recovery)
        return
    summary = run_stream(config, stop=_set_by_signals())
    if as_json:
        emit_json({**dataclasses.asdict(summary), **recovery})
    else:
        say(
            f"{summary.rows:,} rows in {summary.batches} batches, {summary.quarantined:,} of them quarantined, "
            f"in {summary.seconds:.1f} s: {config.lake}"
        )


def _set_by_signals() -> threading.Event:
    """Return an event that SIGTERM and Ctrl-C set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
