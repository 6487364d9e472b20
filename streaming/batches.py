"""The batches that a query commits, read from the lake's log: what is reported is what is there."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deltalake import DeltaTable
from pyspark.sql.streaming.query import StreamingQuery

from streaming.lake import Lake
from streaming.layout import QUARANTINE


@dataclass(frozen=True, slots=True)
class Batch:
    """One commit of the stream."""

    version: int  #: of the lake's table
    rows: int
    quarantined: int  #: of rows
    seconds: float | None  #: how long the batch took; None if the query failed before it could say so

    @property
    def rows_per_second(self) -> float | None:
        """Speed of the batch."""
        return round(self.rows / self.seconds, 1) if self.seconds else None

    def __str__(self) -> str:
        facts = {
            "version": self.version,
            "rows": self.rows,
            "quarantined": self.quarantined,
            "seconds": self.seconds,
            "rows_per_second": self.rows_per_second,
        }
        return json.dumps({"batch": facts})


class BatchLog:
    """Finds the batches committed since it was made or last asked."""

    def __init__(self, lake: Lake) -> None:
        """Begin after the newest version of ``lake``, whose table exists."""
        self._lake = lake
        self._version = lake.snapshot().version
        self._last_progress: tuple[Any, ...] | None = None

    def new_batches(self, query: StreamingQuery) -> list[Batch]:
        """What ``query`` committed since the last call, oldest first; cheap while there is nothing new."""
        progress = query.lastProgress
        mark = (query.runId, progress["batchId"], progress["timestamp"]) if progress else None
        if mark == self._last_progress and query.isActive:
            return []
        self._last_progress = mark
        snapshot = self._lake.snapshot()
        if snapshot.version == self._version:
            return []
        seconds = {p["batchId"]: p["durationMs"]["triggerExecution"] / 1000 for p in query.recentProgress}
        numbers = dict(_batch_numbers(self._lake, snapshot.version - self._version))
        batches = [
            Batch(
                version=commit.version,
                rows=sum(file.rows for file in commit.added),
                quarantined=sum(file.rows for file in commit.added if file.event_type == QUARANTINE),
                seconds=seconds.get(numbers[commit.version]),
            )
            for commit in self._lake.commits(after=self._version, until=snapshot.version)
            if commit.version in numbers
        ]
        self._version = snapshot.version
        return batches


def _batch_numbers(lake: Lake, newest: int) -> Iterator[tuple[int, int]]:
    """Version and Spark's batch number of those among the ``newest`` commits that a stream made."""
    for commit in DeltaTable(lake.table_uri).history(newest):
        if commit["operation"] == "STREAMING UPDATE":
            yield commit["version"], int(commit["operationParameters"]["epochId"])
