"""The main file of the stream's Dataproc job, uploaded with ``ticketsim.zip``; a laptop has ``ticketsim stream``.

Dataproc restarts the job when it fails. It resumes from its checkpoint or, without one, from what the lake holds.
"""

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import timedelta

from streaming.exceptions import StreamingError
from streaming.query.runner import StreamConfig, run_stream
from streaming.storage import path_of


def main(arguments: Sequence[str]) -> None:
    """Run until SIGTERM, which stops the stream after the running batch; ``--once``: until everything is read.

    ``--once`` with ``--recover`` or ``--accept-loss`` resumes where the lake ends, past what is lost, like `ticketsim
    stream` with these options.
    """
    parser = argparse.ArgumentParser(prog="stream")
    for option in ("bootstrap", "lake", "checkpoint"):
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("--trigger-seconds", type=float, default=120.0)
    parser.add_argument("--once", action="store_true")
    past_the_checkpoint = parser.add_mutually_exclusive_group()
    for option, start_from in (("--recover", "lake"), ("--accept-loss", "accepting_loss")):
        past_the_checkpoint.add_argument(
            option,
            dest="start_from",
            action="store_const",
            const=start_from,
            default="checkpoint",
            help="only with --once",
        )
    asked = parser.parse_args(arguments)
    if asked.start_from != "checkpoint" and not asked.once:
        parser.error(
            "--recover and --accept-loss require --once: a job that restarts automatically would also skip every "
            "later loss"
        )
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("streaming").setLevel(logging.INFO)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    summary = run_stream(
        StreamConfig(
            bootstrap=asked.bootstrap,
            lake=asked.lake,
            checkpoint=path_of(asked.checkpoint),
            trigger=None if asked.once else timedelta(seconds=asked.trigger_seconds),
            start_from=asked.start_from,
        ),
        stop=stop,
    )
    print(f"{summary.rows} rows in {summary.batches} batches", file=sys.stderr)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except StreamingError as error:
        sys.exit(f"error: {error}")
