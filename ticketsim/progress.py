"""What a command that sends messages shows: a live line while it sends, and how many there were of each type."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ticketsim.output import console

#: Receives a few words about what is being done, for a live line on a terminal.
OnProgress = Callable[[str], None]


@contextmanager
def progress_line(description: str, total: float | None) -> Iterator[Any]:
    """A live line on stderr; nothing where stderr is no terminal.

    Args:
        description: What stands in front of the bar.
        total: What is complete; None if that is not known.

    Yields:
        A function that changes it, with the arguments of rich's ``Progress.update``; ``done`` stands behind the bar.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[done]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(description, total=total, done="")
        yield lambda **changes: bar.update(task, **changes)


def print_counts(events: Mapping[str, int]) -> None:
    """A table of messages by event type, and all together."""
    from rich.table import Table

    table = Table("event type")
    table.add_column("messages", justify="right")
    for event_type, count in events.items():
        table.add_row(event_type, f"{count:,}")
    table.add_section()
    table.add_row("total", f"{sum(events.values()):,}")
    console.print(table)
