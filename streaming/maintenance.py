"""Maintenance of the lake: OPTIMIZE of a closed day, VACUUM of the table, reprocessing of the quarantine.

Each is a *task* that runs in any Spark session: on a laptop in a JVM of its own, on Dataproc with this module as the
main file of a PySpark job (``maintenance.py compact --lake gs://... --day 2026-11-20``).
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from streaming.contract.quarantine import Selection
from streaming.contract.reprocess import reprocess
from streaming.exceptions import DayNotClosed, RetentionTooShort, StreamingError
from streaming.hour import Hour
from streaming.lake.delta import open_table, table_exists
from streaming.lake.offset_gaps import gaps_uri
from streaming.lake.reader import Lake, Snapshot
from streaming.locks.commit_queue import take_turn
from streaming.storage import path_of, spark_table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: As long as the log's: with less, a reader or sensor that is a few days behind would miss files that it still needs.
SHORTEST_RETENTION: Final = timedelta(days=7)

_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Extent:
    """A number of files and their size."""

    files: int
    bytes: int


class Task(Protocol):
    """A piece of work on the lake that needs Spark and commits."""

    @property
    def name(self) -> str:
        """The name shown to processes that wait for it."""

    def arguments(self) -> list[str]:
        """Return the task as arguments of this module's command line, without the lake."""

    def run(self, spark: "SparkSession", lake: Lake) -> Any:
        """Run the task and return its result, if it has one."""


@dataclass(frozen=True, slots=True)
class CompactDay:
    """Compaction of a UTC day's small files into one per event type and hour; no row changes.

    Raises:
        DayNotClosed: The day is not over, so there would soon be small files again.
    """

    day: date

    def __post_init__(self) -> None:
        """Reject days that are not over."""
        if self.day >= datetime.now(UTC).date():
            raise DayNotClosed(f"{self.day} is not over in UTC. Compact it tomorrow.")

    @property
    def name(self) -> str:
        """The task's name."""
        return f"compaction of {self.day}"

    def arguments(self) -> list[str]:
        """Return the task as arguments of this module's command line, without the lake."""
        return ["compact", "--day", self.day.isoformat()]

    def run(self, spark: "SparkSession", lake: Lake) -> None:
        """Compact the files; those of the offset gaps, of any day, with them."""
        spark.sql(f"OPTIMIZE {spark_table(lake.table_uri)} WHERE event_date = '{self.day}'").collect()
        if table_exists(gaps_uri(lake)):
            spark.sql(f"OPTIMIZE {spark_table(gaps_uri(lake))}").collect()


@dataclass(frozen=True, slots=True)
class Vacuum:
    """Removal of files unreferenced for longer than ``retention``, those that killed batches left behind included.

    Raises:
        RetentionTooShort: The retention is shorter than SHORTEST_RETENTION.
    """

    retention: timedelta = SHORTEST_RETENTION

    def __post_init__(self) -> None:
        """Reject a retention that would remove files that readers still use."""
        if self.retention < SHORTEST_RETENTION:
            raise RetentionTooShort(
                f"invalid retention of {self.retention / _HOUR:g} hours: readers of older versions would miss files. "
                f"Keep them for {SHORTEST_RETENTION / _HOUR:g} hours or longer."
            )

    @property
    def name(self) -> str:
        """The task's name."""
        return "vacuum"

    def arguments(self) -> list[str]:
        """Return the task as arguments of this module's command line, without the lake."""
        return ["vacuum", "--hours", f"{self.retention / _HOUR:g}"]

    def run(self, spark: "SparkSession", lake: Lake) -> None:
        """Remove the files."""
        for uri in (lake.table_uri, gaps_uri(lake)):
            if table_exists(uri):
                spark.sql(f"VACUUM {spark_table(uri)} RETAIN {self.retention / _HOUR:g} HOURS").collect()


@dataclass(frozen=True, slots=True)
class ReprocessQuarantine:
    """Reprocessing of quarantined messages that are valid today; see ``streaming.contract.reprocess``."""

    selection: Selection = field(default_factory=Selection)

    @property
    def name(self) -> str:
        """The task's name."""
        return "quarantine reprocess"

    def arguments(self) -> list[str]:
        """Return the task as arguments of this module's command line, without the lake."""
        chosen = {"--reason": self.selection.reason, "--topic": self.selection.topic}
        hours = {"--from": self.selection.first, "--to": self.selection.last}
        chosen |= {option: hour.key for option, hour in hours.items() if hour is not None}
        return ["reprocess", *(word for option, value in chosen.items() if value for word in (option, value))]

    def run(self, spark: "SparkSession", lake: Lake) -> Any:
        """Move the messages."""
        return reprocess(spark, lake, self.selection)


def run_in_turn(spark: "SparkSession", lake: Lake, task: Task, on_progress: Callable[[str], None]) -> Any:
    """Run ``task`` once it is this process's turn to commit; a running stream continues afterwards.

    Args:
        spark: The session that will commit.
        lake: The lake, whose table exists.
        task: The task to run.
        on_progress: Callback that gets a line of text while the task waits for another process.
    """
    turn = take_turn(spark, lake.root, f"ticketsim {task.name}", on_progress=on_progress)
    try:
        return task.run(spark, lake)
    finally:
        turn.release()


def extent_of_day(snapshot: Snapshot, day: date) -> Extent:
    """Return the number and size of a day's live files."""
    files = [file for file in snapshot.files() if file.hour.date == day]
    return Extent(len(files), sum(file.bytes for file in files))


def is_compact(snapshot: Snapshot, day: date) -> bool:
    """Return whether every event type and hour of the day has at most one file."""
    places = [(file.event_type, file.hour) for file in snapshot.files() if file.hour.date == day]
    return len(places) == len(set(places))


def stored(lake: Lake) -> Extent:
    """Return the number and size of the data files in the table's folder, unreferenced ones included."""
    table = path_of(lake.table_uri)
    found = table.fs.find(table.path, detail=True)
    data = [info for path, info in found.items() if path.endswith(".parquet") and "/_delta_log/" not in path]
    return Extent(len(data), sum(info["size"] for info in data))


def removable(lake: Lake, retention: timedelta) -> int:
    """Count the files that a vacuum would remove; needs no JVM."""
    return len(open_table(lake.table_uri).vacuum(retention_hours=int(retention / _HOUR), dry_run=True, full=True))


def main(arguments: Sequence[str]) -> None:
    """Run one task: the main file of a Dataproc job, or ``python -m streaming.maintenance`` on a laptop."""
    parser = argparse.ArgumentParser(prog="maintenance")
    parser.add_argument("--lake", required=True)
    tasks = parser.add_subparsers(dest="task", required=True)
    tasks.add_parser("compact").add_argument("--day", type=date.fromisoformat, required=True)
    tasks.add_parser("vacuum").add_argument("--hours", type=float, default=SHORTEST_RETENTION / _HOUR)
    of_quarantine = tasks.add_parser("reprocess")
    for option in ("reason", "topic"):
        of_quarantine.add_argument(f"--{option}")
    for option, place in (("from", "first"), ("to", "last")):
        of_quarantine.add_argument(f"--{option}", dest=place, type=Hour.from_key)
    # A launcher may add arguments of its own, as Dagster Pipes does.
    asked, _ = parser.parse_known_args(arguments)
    match asked.task:
        case "compact":
            task: Task = CompactDay(asked.day)
        case "vacuum":
            task = Vacuum(timedelta(hours=asked.hours))
        case _:
            task = ReprocessQuarantine(Selection(asked.reason, asked.topic, asked.first, asked.last))
    lake = Lake(asked.lake)
    lake.snapshot()
    from streaming.spark.session import submitted_or_own_session  # noqa: PLC0415 - counting files needs no Spark

    with submitted_or_own_session(lake.root) as spark:
        run_in_turn(spark, lake, task, on_progress=lambda text: print(text, file=sys.stderr))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except StreamingError as error:
        sys.exit(f"error: {error}")
