"""The benchmark of a lake's history, which should not slow it down: ``python -m benchmarks.lake_history``.

The same work on lakes of 100 and of 50 000 commits (see ``synthetic_lake``), in one run: what the sensor does at every
tick, what a load does, and what the stream does in a batch. The fastest time of several counts (of batches the median):
other work on the machine makes all of them slower.
"""

import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import typer
from confluent_kafka import Producer
from deltalake import write_deltalake

from benchmarks.lake_rows import PARTITIONS, rows_of
from benchmarks.local_kafka import running_broker
from benchmarks.messages import Message, messages_of_an_hour
from benchmarks.synthetic_lake import ROWS, History, make_lake
from simulator.events import EVENT_TYPES
from streaming.hour import Hour
from streaming.lake import reader as lake_module
from streaming.lake.committed_offsets import next_offsets
from streaming.lake.layout import PARTITION_COLUMNS
from streaming.lake.losses import read_losses
from streaming.lake.offset_gaps import read_gaps
from streaming.lake.reader import Lake
from streaming.query.clock import system_clock
from streaming.query.job import read_kafka, start_query, validated
from streaming.spark.jars import ensure_jars
from streaming.spark.session import spark_session
from ticketsim_assets.checks.offsets import OffsetState, check_offsets
from ticketsim_assets.hours.completeness import missing_receipts
from ticketsim_assets.hours.cursor import LakeCursor
from ticketsim_assets.hours.evaluation import evaluate_lake
from ticketsim_assets.hours.receipts import Receipts, hour_evidence

SHORT: Final = 100

#: Log entries that seven days of commits leave behind.
KEPT: Final = 5_040

END: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)


def require(found: object) -> None:
    """Refuse a measurement of work that finds nothing."""
    if not found:
        raise SystemExit("the synthetic lake does not hold the expected data; nothing was measured")


class LakeAtWork:
    """A lake with a history, and the operations that are measured on it."""

    def __init__(self, root: Path, history: History, messages: list[Message]) -> None:
        """Create the lake, and the first commit whose files exist."""
        self.lake = make_lake(root, history, END - timedelta(hours=2))
        first = (history.commits + 1) * ROWS
        offsets: defaultdict[tuple[str, int], int] = defaultdict(lambda: first)
        self._rows = rows_of(messages, offsets, END)
        places = zip(*(self._rows[name].to_pylist() for name in ("topic", "kafka_partition")), strict=True)
        self._per_commit = pa.array([offsets[place] - first for place in places], pa.int64())
        self._hour = Hour.containing(END - timedelta(hours=2))
        self._instance = dg.DagsterInstance.ephemeral()
        self.commit()
        self._state = OffsetState(self.lake.snapshot().version, self._next_offsets())
        self._cursor = LakeCursor(version=self.lake.snapshot().version)

    def commit(self) -> None:
        """Append the hour's messages once more, at the next offsets of each partition."""
        column = self._rows.schema.get_field_index("kafka_offset")
        write_deltalake(self.lake.table_uri, self._rows, mode="append", partition_by=list(PARTITION_COLUMNS))
        following = pc.add(self._rows["kafka_offset"], self._per_commit)
        self._rows = self._rows.set_column(column, self._rows.schema.field(column), following)

    def state_from_nothing(self) -> None:
        """Read the state, as a new process does first."""
        lake_module._NEWEST.clear()
        self.lake.snapshot()

    def new_commits(self) -> None:
        """Read the new commits."""
        snapshot = self.lake.snapshot()
        require(next(self.lake.commits(snapshot.version - 1, snapshot.version)).added)

    def plan_hour(self) -> None:
        """Find the files of an hour, and whether it is complete."""
        snapshot = self.lake.snapshot()
        require(snapshot.files(self._hour))
        require(not missing_receipts(hour_evidence(Receipts(snapshot), self._hour)))

    def tick(self) -> None:
        """Evaluate one tick of the sensor."""
        watched = evaluate_lake(
            self.lake,
            self.lake.snapshot(),
            self._instance,
            self._cursor,
            now=END,
            first_hour=datetime(2024, 1, 1, tzinfo=UTC),
            lateness=timedelta(minutes=10),
            lag=0,
            first_loads=True,
            debounce=timedelta(0),
        )
        for report in watched.reports:
            self._instance.report_runless_asset_event(report)

    def offsets(self) -> None:
        """Run the offsets check, guarantee 1 (docs/guarantees.md), on the new commits."""
        verdict = check_offsets(self.lake, self.lake.snapshot(), self._state)
        require(verdict.sound)
        self._state = verdict.state

    def _next_offsets(self) -> dict[str, int]:
        return next_offsets(self.lake, read_losses(self.lake), read_gaps(self.lake))

    def lost_checkpoint(self) -> None:
        """Find where a stream without a checkpoint resumes."""
        require(len(self._next_offsets()) == len(EVENT_TYPES) * PARTITIONS)


def fastest_seconds(at_work: LakeAtWork, work: Callable[[LakeAtWork], None], times: int) -> float:
    """Return the fastest of several runs of ``work``, each after a new commit."""
    taken = []
    for _ in range(times):
        at_work.commit()
        began = time.perf_counter()
        work(at_work)
        taken.append(time.perf_counter() - began)
    return min(taken)


def batch_seconds(lake: Lake, bootstrap: str, checkpoint: Path, messages: list[Message], batches: int) -> float:
    """Return the median duration of the stream's batches into ``lake``, after the first ones."""
    producer = Producer({"bootstrap.servers": bootstrap})
    with spark_session(ensure_jars().spark) as spark:
        rows = validated(read_kafka(spark, bootstrap, "latest"), system_clock)
        query = start_query(rows, lake, checkpoint, timedelta(seconds=1))
        durations: dict[int, float] = {}
        while len(durations) < batches:
            for topic, value in messages[:100]:
                producer.produce(topic, value)
            producer.flush()
            query.awaitTermination(0.5)  # seconds, pyspark takes fractions
            for progress in query.recentProgress:
                if progress["numInputRows"]:
                    durations[progress["batchId"]] = progress["durationMs"]["triggerExecution"] / 1000
        query.stop()
    return statistics.median([durations[batch] for batch in sorted(durations)][batches // 2 :])


WORK: Final[dict[str, tuple[Callable[[LakeAtWork], None], int]]] = {
    "new commits, in a process that knows the lake": (LakeAtWork.new_commits, 9),
    "an hour's files and evidence": (LakeAtWork.plan_hour, 9),
    "a tick of the sensor": (LakeAtWork.tick, 9),
    "the offsets check on a new commit": (LakeAtWork.offsets, 9),
    "the state, in a new process": (LakeAtWork.state_from_nothing, 5),
    "the offsets after a lost checkpoint": (LakeAtWork.lost_checkpoint, 5),
}


def main(
    commits: Annotated[int, typer.Option(help="Commits of the long history.")] = 50_000,
    kept: Annotated[int, typer.Option(help="Commits whose log entries are still there.")] = KEPT,
    uncompacted: Annotated[bool, typer.Option(help="No day of the long history was ever compacted.")] = False,
    batches: Annotated[int, typer.Option(help="Batches of the stream into each; 0 skips Spark.")] = 16,
) -> None:
    """Measure and print."""
    messages = messages_of_an_hour("stable", END - timedelta(hours=2))
    with tempfile.TemporaryDirectory(prefix="ticketsim-benchmark-") as scratch:
        histories = {
            "short": History(SHORT, compacted=True, kept=SHORT),
            "long": History(commits, compacted=not uncompacted, kept=min(kept, commits)),
        }
        lakes = {name: LakeAtWork(Path(scratch) / name, past, messages) for name, past in histories.items()}
        for name, at_work in lakes.items():
            print(f"{name}: {len(at_work.lake.snapshot().files()):,} live files, {histories[name]}", flush=True)
        for name, (work, times) in WORK.items():
            print_ratio(name, *(fastest_seconds(at_work, work, times) for at_work in lakes.values()))
        if batches:
            with running_broker(Path(scratch) / "kafka") as bootstrap:
                print_ratio(
                    "a batch of the stream",
                    *(
                        batch_seconds(at_work.lake, bootstrap, Path(scratch) / f"checkpoint-{name}", messages, batches)
                        for name, at_work in lakes.items()
                    ),
                )


def print_ratio(name: str, short: float, long: float) -> None:
    """Print one line."""
    print(f"{name:<46} {short * 1000:>9.1f} ms {long * 1000:>9.1f} ms   ratio {long / short:.2f}", flush=True)


if __name__ == "__main__":
    typer.run(main)
