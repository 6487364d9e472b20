"""``ticketsim stream``: Kafka to lake."""

import dataclasses
import logging
import signal
import threading
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import humanfriendly
import typer

from local.output import JsonOption, console, emit_json


def parse_trigger(text: str) -> timedelta:
    """A duration as people write it, ``2 minutes`` or ``10s``; usage error if it is none or not positive."""
    try:
        seconds = humanfriendly.parse_timespan(text)
    except humanfriendly.InvalidTimespan:
        raise typer.BadParameter(f"{text!r} is not a duration; write for example '2 minutes' or '10s'") from None
    if seconds < 1:
        raise typer.BadParameter(f"{text!r} is too short; a batch takes a second or more")
    return timedelta(seconds=seconds)


def stream(  # noqa: PLR0917  # typer passes by name
    bootstrap: Annotated[str | None, typer.Option(help="Kafka's bootstrap servers.", show_default="settings")] = None,
    lake: Annotated[str | None, typer.Option(help="Root of the lake.", show_default="settings")] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Folder of the query's checkpoint.", show_default="settings")
    ] = None,
    trigger: Annotated[timedelta, typer.Option(parser=parse_trigger, help="Time between two batches.")] = "2 minutes",  # type: ignore[assignment]  # parsed by typer
    once: Annotated[bool, typer.Option("--once", help="Write all that is there, then stop.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write Kafka's messages into the lake; Ctrl-C or SIGTERM ends it after the batch that runs."""
    from streaming.runner import StreamConfig, run_stream  # Spark takes a second to import
    from ticketsim_assets.settings import Settings

    settings = Settings()
    config = StreamConfig(
        bootstrap=bootstrap or settings.bootstrap,
        lake=lake or settings.lake,
        checkpoint=checkpoint or settings.checkpoint,
        trigger=None if once else trigger,
    )
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("streaming").setLevel(logging.INFO)
    summary = run_stream(config, stop=_set_by_signals())
    if as_json:
        emit_json(dataclasses.asdict(summary))
    else:
        console.print(
            f"{summary.rows:,} rows in {summary.batches} batches, {summary.quarantined:,} of them quarantined, "
            f"in {summary.seconds:.1f} s: {config.lake}"
        )


def _set_by_signals() -> threading.Event:
    """An event that SIGTERM and Ctrl-C set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
