"""Progress of commands that send messages: a live progress bar, and the counts by event type at the end."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ticketsim.output import console, printable

#: Callback with a short description of the current step, for a live line on a terminal.
OnProgress = Callable[[str], None]


@contextmanager
def progress_line(description: str, total: float | None) -> Iterator[Any]:
    """Show a progress bar on stderr; nothing if stderr is not a terminal.

    Args:
        description: Text before the bar.
        total: Value at completion; None if unknown.

    Yields:
        A function that updates the bar, with the arguments of rich's ``Progress.update``; ``done`` follows the bar.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    texts = (TextColumn("{task.description}", markup=False), TextColumn("{task.fields[done]}", markup=False))
    columns = (texts[0], BarColumn(), texts[1], TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(_verbatim(description), total=total, done="")

        def update(**changes: Any) -> None:
            bar.update(task, **{name: _verbatim(value) for name, value in changes.items()})

        yield update


def _verbatim(value: Any) -> Any:
    return printable(value) if isinstance(value, str) else value


def print_counts(events: Mapping[str, int]) -> None:
    """Print a table of messages by event type, with the total."""
    from rich.table import Table

    table = Table("event type")
    table.add_column("messages", justify="right")
    for event_type, count in events.items():
        table.add_row(event_type, f"{count:,}")
    table.add_section()
    table.add_row("total", f"{sum(events.values()):,}")
    console.print(table)
