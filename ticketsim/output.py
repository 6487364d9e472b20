"""Output of commands: results on stdout, everything else on stderr."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console

#: Progress, tables, hints and errors; stdout stays free for results.
console = Console(stderr=True, highlight=False)


def say(sentence: str) -> None:
    """Print a sentence on stderr verbatim: without wrapping and without markup."""
    console.print(sentence, markup=False, soft_wrap=True)


JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object on stdout.")]


def emit_json(result: Mapping[str, Any]) -> None:
    """Print ``result`` as one JSON object on stdout; dates and paths become strings."""
    sys.stdout.write(json.dumps(result, default=str) + "\n")
    sys.stdout.flush()


@contextmanager
def live_status(first: str) -> Iterator[Callable[[str], None]]:
    """Show a spinner with a changing text while the output of Dagster and dbt goes to a log.

    It writes to a duplicate of stderr, because a run redirects stderr itself.
    """
    with (
        os.fdopen(os.dup(sys.stderr.fileno()), "w") as screen,
        Console(file=screen, highlight=False).status(first) as status,
    ):
        yield status.update
