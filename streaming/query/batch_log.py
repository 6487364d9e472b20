"""The batches that a query commits, read from the lake's log: only committed batches are reported."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pyspark.sql.streaming.query import StreamingQuery
from upath import UPath

from streaming.kafka.offsets import TopicOffsets, lag_per_topic, topic_offsets
from streaming.lake.delta import open_table
from streaming.lake.layout import QUARANTINE
from streaming.lake.reader import Lake
from streaming.query.checkpoint import batch_end


@dataclass(frozen=True, slots=True)
class Batch:
    """One commit of the stream."""

    batch: int  #: Spark's number; it restarts at 0 with a new checkpoint
    version: int  #: of the lake's table
    rows: int
    quarantined: int  #: of rows
    lag: Mapping[str, int] | None  #: messages per topic in Kafka and not in the lake; None: the broker did not answer
    seconds: float | None  #: duration of the batch; None if the query failed before it reported it

    @property
    def rows_per_second(self) -> float | None:
        """The speed of the batch."""
        return round(self.rows / self.seconds, 1) if self.seconds else None

    def __str__(self) -> str:
        return json.dumps({**asdict(self), "rows_per_second": self.rows_per_second})


class BatchLog:
    """A reader of the lake's log that returns each new batch once."""

    def __init__(self, lake: Lake, checkpoint: UPath, bootstrap: str) -> None:
        """Start after the newest version of ``lake``, whose table exists and is filled from ``bootstrap``."""
        self._lake = lake
        self._checkpoint = checkpoint
        self._bootstrap = bootstrap
        self._version = lake.snapshot().version
        self._last_progress: tuple[Any, ...] | None = None

    def new_batches(self, query: StreamingQuery) -> list[Batch]:
        """Return the batches that ``query`` committed since the last call, oldest first; cheap if there are none."""
        progress = query.lastProgress
        mark = (query.runId, progress["batchId"], progress["timestamp"]) if progress else None
        if mark == self._last_progress and query.isActive:
            return []
        self._last_progress = mark
        snapshot = self._lake.snapshot()
        if snapshot.version == self._version:
            return []
        reported = {p["batchId"]: p for p in query.recentProgress}
        numbers = dict(_batch_numbers(self._lake, snapshot.version - self._version))
        held = topic_offsets(self._bootstrap) if numbers else None
        batches = [
            Batch(
                batch=numbers[commit.version],
                version=commit.version,
                rows=sum(file.rows for file in commit.added),
                quarantined=sum(file.rows for file in commit.added if file.event_type == QUARANTINE),
                lag=self._lag(held, numbers[commit.version]),
                seconds=_seconds(reported.get(numbers[commit.version])),
            )
            for commit in self._lake.commits(after=self._version, until=snapshot.version)
            if commit.version in numbers
        ]
        self._version = snapshot.version
        return batches

    def _lag(self, held: Mapping[str, TopicOffsets] | None, batch: int) -> dict[str, int] | None:
        """Return the messages per topic that Kafka holds beyond the end of a batch."""
        end = batch_end(self._checkpoint, batch)
        return lag_per_topic(held, end) if held is not None and end is not None else None


def _seconds(progress: Mapping[str, Any] | None) -> float | None:
    return progress["durationMs"]["triggerExecution"] / 1000 if progress else None


def _batch_numbers(lake: Lake, newest: int) -> Iterator[tuple[int, int]]:
    """Yield version and Spark's batch number of the stream's commits among the ``newest`` ones."""
    for commit in open_table(lake.table_uri).history(newest):
        if commit["operation"] == "STREAMING UPDATE":
            yield commit["version"], int(commit["operationParameters"]["epochId"])
