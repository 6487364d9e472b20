"""Options that ``plan`` and ``compare`` have in common."""

import os
from typing import Annotated

import typer

TargetWaitOption = Annotated[
    str, typer.Option("--target-wait", metavar="DURATION", help="Longest acceptable wait, for example 5m or 90s.")
]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", help="Number of processes; it does not change the result.", show_default="cores"),
]


def worker_count(workers: int | None) -> int:
    """Return how many processes to use: as many as asked for, else one for each core."""
    from simulator.processes import MOST_WORKERS  # noqa: PLC0415 - `ticketsim --help` need not load it

    return min(os.cpu_count() or 1, MOST_WORKERS) if workers is None else workers
