"""A lake without Kafka and Spark: simulated messages, checked by the stream's own validation, written as Delta."""

import json
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from simulator.digest import digest_of
from simulator.events import hour_start_us
from simulator.run import plan_run, simulate
from simulator.scenario import load_scenario
from streaming.contract.validation import validate_batch
from streaming.hour import Hour
from streaming.lake.layout import EVENTS_TABLE, PARTITION_COLUMNS
from streaming.lake.reader import Lake
from streaming.storage import path_of
from ticketsim_assets.hours.cursor import LakeCursor
from ticketsim_assets.hours.evaluation import TickResult, evaluate_lake
from ticketsim_assets.hours.run_tags import run_tags
from ticketsim_assets.keys import HOURLY_JOB, QUARANTINE_JOB
from ticketsim_assets.warehouse.bigquery_warehouse import BigQueryWarehouse
from ticketsim_assets.warehouse.duckdb_warehouse import DuckDBWarehouse
from ticketsim_assets.warehouse.protocol import Warehouse
from ticketsim_assets.warehouse.wait_policy import NO_WAIT

from ..cloud.bigquery_emulator import BigQueryEmulator
from ..cloud.gcs_emulator import GcsBucket

START = datetime(2026, 3, 1, 10, tzinfo=UTC)

Message = tuple[str, bytes]


class Recorder:
    """A sink that keeps what it is sent."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        self.messages.append((topic, value))

    def poll(self) -> None: ...

    def flush(self) -> None: ...


@dataclass
class LakeMaker:
    """Appends messages to a lake as the stream would: one partition per topic, offsets without gaps."""

    root: Path
    offsets: dict[str, int] = field(default_factory=dict)

    @property
    def lake(self) -> Lake:
        return Lake(str(self.root))

    @property
    def table(self) -> DeltaTable:
        """What was appended so far, to be changed."""
        return DeltaTable(str(self.root / EVENTS_TABLE))

    def append(self, messages: Iterable[Message], *, at: datetime = START + timedelta(days=1)) -> None:
        self.append_rows(self._rows(list(messages), at))

    def refuse(self, messages: Iterable[Message], reason: str, *, at: datetime = START + timedelta(days=1)) -> None:
        """Quarantine messages, valid or not, as a release with another contract would have."""
        kept = list(messages)
        rows = self._rows([(topic, b"?") for topic, _ in kept], at)
        for name, values in (("raw", [value for _, value in kept]), ("reason", [reason] * len(kept))):
            index = rows.schema.get_field_index(name)
            rows = rows.set_column(index, name, pa.array(values, rows.schema.field(name).type))
        self.append_rows(rows)

    def move(self, messages: Sequence[Message], first_offset: int, *, at: datetime) -> None:
        """Move quarantined ``messages`` of one topic into their event type in one commit, as a replay does."""
        after = dict(self.offsets)
        self.offsets[messages[0][0]] = first_offset
        rows = self._rows(messages, at)
        self.offsets = after
        self.table.merge(
            rows,
            "lake.event_type = 'quarantine' and lake.topic = moved.topic and lake.kafka_offset = moved.kafka_offset",
            source_alias="moved",
            target_alias="lake",
        ).when_matched_update_all().execute()

    def _rows(self, messages: Sequence[Message], at: datetime) -> pa.Table:
        topics, values, offsets = [], [], []
        for topic, value in messages:
            topics.append(topic)
            values.append(value)
            offsets.append(self.offsets.get(topic, 0))
            self.offsets[topic] = offsets[-1] + 1
        batch = pa.record_batch(
            {
                "topic": pa.array(topics, pa.string()),
                "value": pa.array(values, pa.binary()),
                "partition": pa.array([0] * len(values), pa.int32()),
                "offset": pa.array(offsets, pa.int64()),
                "timestamp": pa.array([at] * len(values), pa.timestamp("us", tz="UTC")),
            }
        )
        return pa.table(validate_batch(batch, int(at.timestamp() * 1e6)))

    def append_rows(self, rows: pa.Table) -> None:
        write_deltalake(str(self.root / EVENTS_TABLE), rows, mode="append", partition_by=list(PARTITION_COLUMNS))


@dataclass
class BucketLakeMaker(LakeMaker):
    """The same in a bucket. `deltalake` cannot write to the emulator: what it wrote to a disk is copied there."""

    bucket: GcsBucket = field(kw_only=True)

    @property
    def lake(self) -> Lake:
        there = path_of(self.bucket.uri("lake"))
        written = {path.relative_to(self.root).as_posix(): path for path in self.root.rglob("*") if path.is_file()}
        copied = {name.removeprefix("lake/") for name in self.bucket.names(f"lake/{EVENTS_TABLE}/")}
        # The log last: a commit names files that are there.
        for name in sorted(written.keys() - copied, key=lambda name: ("_delta_log" in name, name)):
            (there / name).write_bytes(written[name].read_bytes())
        for name in copied - written.keys():
            (there / name).unlink()
        return Lake(str(there))


def lake_maker(request: pytest.FixtureRequest, root: Path, place: str) -> LakeMaker:
    """For a lake of the test's own, at ``root`` or in a bucket."""
    if place == "gcs":
        return BucketLakeMaker(root, bucket=request.getfixturevalue("gcs"))
    return LakeMaker(root)


def simulated(*, hours: float = 1.5, venues: int = 2, seed: int = 3, run_id: str | None = None) -> list[Message]:
    """Messages of a small run that starts at START; its drain goes on for a while."""
    sink = Recorder()
    run = plan_run(
        load_scenario("stable"), seed=seed, start=START, hours=hours, venues=venues, run_id=run_id or f"run-{seed}"
    )
    simulate(run, sink)
    return sink.messages


def fields(message: Message) -> dict:
    return json.loads(message[1])


def digested_anew(messages: Sequence[Message]) -> list[Message]:
    """Messages whose receipts have the digests of the events that are there."""
    events = defaultdict(list)
    for message in messages:
        found = fields(message)
        events[found["run_id"], found["venue_id"], hour_start_us(found["event_time"]), found["event_type"]].append(
            found
        )

    def renewed(message: Message) -> Message:
        receipt = fields(message)
        if receipt["event_type"] != "hour_closed":
            return message
        counted = events[receipt["run_id"], receipt["venue_id"], receipt["hour_start"], receipt["of_event_type"]]
        return message[0], json.dumps(receipt | {"digest": digest_of(receipt, counted)}).encode()

    return [*map(renewed, messages)]


def hour_of(message: Message) -> Hour:
    return Hour.containing(datetime.fromtimestamp(fields(message)["event_time"] / 1e6, UTC))


@pytest.fixture(scope="session")
def run_messages() -> list[Message]:
    return simulated()


@pytest.fixture
def duckdb_warehouse(tmp_path: Path) -> Warehouse:
    return DuckDBWarehouse(tmp_path / "warehouse.duckdb", tmp_path / "readers.db", NO_WAIT)


@pytest.fixture
def bigquery_warehouse(bigquery_emulator: BigQueryEmulator, monkeypatch) -> Warehouse:
    """BigQuery, which reads a lake in a bucket."""
    prefix = f"t{uuid.uuid4().hex[:8]}_"
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", bigquery_emulator.endpoint)
    return BigQueryWarehouse(bigquery_emulator.datasets(prefix), NO_WAIT)


@pytest.fixture
def warehouse(request: pytest.FixtureRequest) -> Warehouse:
    """An empty warehouse of the engine that the test is parametrised with."""
    return request.getfixturevalue(f"{request.param}_warehouse")


@pytest.fixture
def maker(request: pytest.FixtureRequest, tmp_path: Path, lake_place: str) -> LakeMaker:
    return lake_maker(request, tmp_path / "lake", lake_place)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


Look = Callable[..., TickResult]


@pytest.fixture
def look(maker: LakeMaker, instance: dg.DagsterInstance) -> Look:
    """One look at the lake, whose reports are recorded as the daemon records them; goes on from the look before."""
    cursor = LakeCursor()

    def look_once(
        *,
        now: datetime | None = None,
        lag: int | None = 0,
        first_loads: bool = True,
        lateness: timedelta = timedelta(minutes=10),
        first_hour: datetime = datetime(2026, 1, 1, tzinfo=UTC),
        restart: bool = False,
        debounce: timedelta = timedelta(0),
        sound: bool = True,
    ) -> TickResult:
        nonlocal cursor
        lake = maker.lake
        watched = evaluate_lake(
            lake,
            lake.snapshot(),
            instance,
            LakeCursor() if restart else LakeCursor.from_json(cursor.to_json()),
            now=now or datetime.now(UTC),
            first_hour=first_hour,
            lateness=lateness,
            lag=lag,
            first_loads=first_loads,
            debounce=debounce,
            sound=sound,
        )
        cursor = watched.cursor
        for report in watched.reports:
            instance.report_runless_asset_event(report)
        for job, requests in ((HOURLY_JOB, watched.hourly), (QUARANTINE_JOB, watched.quarantine)):
            for request in requests:
                key = {"dagster/run_key": request.run_key}
                if not instance.get_runs(dg.RunsFilter(tags=key)):  # as the daemon does, who runs no key twice
                    tags, status = {**run_tags(request), **key}, dg.DagsterRunStatus.STARTED
                    instance.add_run(dg.DagsterRun(job, run_id=str(uuid.uuid4()), tags=tags, status=status))
        return watched

    return look_once
