"""Output of commands: results on stdout, everything else on stderr.

Much of what is printed comes from outside: run ids, venue ids, names of files, messages of Kafka, errors of libraries.
So nothing that is printed is interpreted: ``[/bold]`` is text, and characters that a terminal would obey instead of
showing them, such as escape sequences, are printed as escapes.
"""

import json
import logging
import math
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.status import Status
from rich.text import Text

from ticketsim.exceptions import TicketsimError

#: Characters of text that has several lines.
_OF_LINES = "\n\t"


def printable(text: str, keep: str = "") -> str:
    r"""Return ``text`` with characters that are obeyed or invisible as escapes: ``\x1b``, ``\u202e``.

    Args:
        text: Text from anywhere; a file's name that is not UTF-8 is one, too.
        keep: Characters to leave as they are.
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in keep or unicodedata.category(character) == "Zs"
        else character.encode("unicode_escape").decode()
        for character in text
    )


class _VerbatimStatus(Status):
    """A spinner whose text is printed as it is."""

    def update(self, status: Any = None, **options: Any) -> None:
        """Change the text; see the base class, which would read markup in it."""
        super().update(Text(printable(status)) if isinstance(status, str) else status, **options)


class Terminal(Console):
    """A console that prints text as it is, wherever the text stands: in a line, a table or beside a spinner."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Convert text; see the base class."""
        return super().render_str(printable(text, keep=_OF_LINES), **options)

    def status(self, status: Any, **options: Any) -> Status:
        """Show a spinner with a text; see the base class."""
        return _VerbatimStatus(Text(printable(status)), console=self, **options)


#: Progress, tables, hints and errors; stdout stays free for results.
console = Terminal(stderr=True)


def say(sentence: str, style: str | None = None) -> None:
    """Print a sentence on stderr without wrapping it."""
    console.print(sentence, style=style, soft_wrap=True)


def print_result(line: str) -> None:
    """Print a line on stdout."""
    encoding = sys.stdout.encoding or "utf-8"
    _write(printable(line).encode(encoding, "backslashreplace").decode(encoding) + "\n")


JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object on stdout.")]


def emit_json(result: Mapping[str, Any]) -> None:
    """Print ``result`` as one JSON object on stdout; dates and paths become strings, what is no number null."""
    _write(json.dumps(_finite(result), default=str, allow_nan=False) + "\n")


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # typer ends the command without a word, as others end whose reader has gone
    except OSError as error:
        # The interpreter flushes standard output once more at exit and would report an error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise TicketsimError(f"Cannot write to standard output: {error.strerror or error}.") from error


def _finite(value: Any) -> Any:
    """Return ``value`` without infinity and NaN, which JSON does not have."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {name: _finite(each) for name, each in value.items()}
        case list() | tuple():
            return [_finite(each) for each in value]
    return value


class _Printable(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record), keep=_OF_LINES)


def log_to_terminal(package: str) -> None:
    """Print what ``package`` logs on stderr, and warnings of all others, without the logger's name."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Printable("%(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger(package).setLevel(logging.INFO)


@contextmanager
def live_status(first: str) -> Iterator[Callable[[str], None]]:
    """Show a spinner with a changing text while the output of Dagster and dbt goes to a log.

    It writes to a duplicate of stderr, because a run redirects stderr itself.
    """
    with (
        os.fdopen(os.dup(sys.stderr.fileno()), "w", errors="backslashreplace") as screen,
        Terminal(file=screen).status(first) as status,
    ):
        yield status.update
