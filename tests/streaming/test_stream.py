"""The stream with real parts: Kafka, Spark and Delta, run from the command line."""

import dataclasses
import json
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Producer
from upath import UPath

from simulator.events import EVENT_TYPES, EventType
from streaming.kafka.offsets import topic_offsets
from streaming.lake.delta import open_table
from streaming.locks.stream_lease import LEASE_FILE
from streaming.storage import path_of

from ..cloud.gcs_emulator import GcsBucket
from ..conftest import IN_A_BUCKET
from ..fresh_topics import make_anew

pytestmark = pytest.mark.slow

TIMEOUT_S = 150


@dataclass(frozen=True)
class Stream:
    """``ticketsim stream`` from one broker into one lake."""

    bootstrap: str
    home: Path
    started: "list[subprocess.Popen[str]]" = field(default_factory=list)
    bucket: str | None = None  #: ``gs://...`` of lake and checkpoint; None: they are at home
    launcher: tuple[str, ...] = (sys.executable, "-m", "ticketsim")

    @property
    def root(self) -> UPath:
        return path_of(self.bucket or str(self.home))

    @property
    def lake(self) -> UPath:
        return self.root / "lake"

    @property
    def checkpoint(self) -> UPath:
        return self.root / "checkpoint"

    def start(self, *options: str, checkpoint: UPath | None = None) -> "subprocess.Popen[str]":
        places = {"bootstrap": self.bootstrap, "lake": self.lake, "checkpoint": checkpoint or self.checkpoint}
        command = [*self.launcher, "stream", "--json", *options]
        command += [f"--{name}={value}" for name, value in places.items()]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=self.home)
        self.started.append(process)
        return process

    def once(self) -> dict[str, float]:
        out, err = (process := self.start("--once")).communicate(timeout=TIMEOUT_S)
        assert process.returncode == 0, err
        return json.loads(out)

    def versions(self) -> int:
        log = self.lake / "events" / "_delta_log"
        return sum(1 for path in log.glob("*.json") if path.stem.isdigit())

    def rows(self, *columns: str) -> list[dict]:
        return open_table(str(self.lake / "events")).to_pyarrow_table(columns=list(columns)).to_pylist()

    def offsets(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for row in self.rows("topic", "kafka_partition", "kafka_offset"):
            found[f"{row['topic']}/{row['kafka_partition']}"].append(row["kafka_offset"])
        return {name: sorted(offsets) for name, offsets in found.items()}

    def require_exactly_what_kafka_holds(self) -> None:
        """Check guarantee 1: per topic and partition every offset of Kafka is in the lake once."""
        held = topic_offsets(self.bootstrap)
        assert held is not None
        assert self.offsets() == {name: list(range(log.end)) for name, log in held.items() if log.end}


@pytest.fixture
def stream(topics: str, tmp_path: Path, lake_bucket: str | None) -> Iterator[Stream]:
    started = Stream(topics, tmp_path, bucket=lake_bucket)
    yield started
    for process in started.started:
        process.kill()  # its JVM follows


@pytest.fixture
def produce(topics: str, good) -> Callable[[Iterable[int]], None]:
    """Send good messages with these numbers, all types in turn, spread over the partitions."""

    def send(numbers: Iterable[int]) -> None:
        producer = Producer({"bootstrap.servers": topics, "linger.ms": 5})
        now_us = time.time_ns() // 1000
        for number in numbers:
            kind = EVENT_TYPES[number % len(EVENT_TYPES)]
            producer.produce(kind.topic, json.dumps(good(kind, number, now_us)), key=str(number % 11))
        assert producer.flush(30) == 0

    return send


def wait_until(condition: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        asked = time.monotonic()
        if condition():
            return
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, "it did not happen in time"
        # Reading a whole lake costs what the stream needs to write it: most of the time is the stream's.
        time.sleep(max(0.1, 3 * (time.monotonic() - asked)))


def jvms_of(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    """Return Spark's JVM, once it has started; before, another one puts its command line together and ends."""
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if child.name() == "java" and "org.apache.spark.launcher.Main" not in child.cmdline():
                found.append(child)
    return found


def event_numbers(stream: Stream) -> list[int]:
    ids = [row["event_id"] for row in stream.rows("event_id") if row["event_id"]]
    return sorted(int(event_id.removeprefix("run-north-")) for event_id in ids)


def test_garbage_is_kept_with_its_reason_stops_nothing_and_every_good_row_arrives_once(stream, produce, garbage):
    kinds = garbage(time.time_ns() // 1000)
    bad = [kinds[number % len(kinds)] for number in range(10_000)]
    producer = Producer({"bootstrap.servers": stream.bootstrap, "linger.ms": 5, "queue.buffering.max.kbytes": 1 << 20})
    for number, message in enumerate(bad):
        # The nesting that blows up a parser is large; a hundred of it are enough.
        large = len(message.value or b"") > 100_000 and number > 100 * len(kinds)
        producer.produce(message.topic, kinds[0].value if large else message.value, key=str(number))
        if number % 1_000 == 0:
            produce(range(number, number + 1_000))
    assert producer.flush(60) == 0

    summary = stream.once()

    assert (summary["rows"], summary["quarantined"]) == (20_000, 10_000)
    stream.require_exactly_what_kafka_holds()
    assert event_numbers(stream) == list(range(10_000))
    rows = stream.rows("event_type", "reason", "raw")
    quarantined = [row for row in rows if row["event_type"] == "quarantine"]
    assert Counter(row["reason"] for row in quarantined) == Counter(message.reason for message in bad)
    reason_of = {message.value: message.reason for message in kinds}
    assert {row["raw"] for row in quarantined} == set(reason_of)
    assert all(row["reason"] == reason_of[row["raw"]] for row in quarantined)
    assert all(row["reason"] is None and row["raw"] is None for row in rows if row["event_type"] != "quarantine")

    version = stream.versions()
    assert stream.once()["rows"] == 0
    assert stream.versions() == version


@IN_A_BUCKET  # on a disk by tests/chaos
def test_a_killed_stream_neither_loses_nor_doubles_a_row_and_no_second_one_may_write_beside_it(stream, produce):
    produce(range(2_000))
    first = stream.start("--trigger=1s")
    wait_until(lambda: stream.versions() >= 2, first)

    started = time.monotonic()
    second = stream.start("--once", checkpoint=stream.root / "other")
    _, complaint = second.communicate(timeout=TIMEOUT_S)
    assert second.returncode == 1
    assert f"is being written by process {first.pid} (ticketsim stream, since " in complaint
    assert "Traceback" not in complaint
    assert time.monotonic() - started < TIMEOUT_S / 5, "it was to be refused before Spark is started"

    # Whenever it is killed, a batch is likely to be half done.
    known = stream.versions()
    end = 2_000
    while stream.versions() < known + 2:
        produce(range(end, end + 500))
        end += 500
        time.sleep(0.1)
    jvms_of(first)[0].kill()
    _, complaint = first.communicate(timeout=TIMEOUT_S)
    assert first.returncode == 1
    assert "Nothing is lost: restart the stream" in complaint

    stream.once()

    stream.require_exactly_what_kafka_holds()
    assert event_numbers(stream) == list(range(end))


@IN_A_BUCKET  # on a disk by tests/chaos
def test_a_lost_checkpoint_is_rebuilt_sigterm_ends_between_batches_and_a_recreated_topic_is_refused(stream, produce):
    # One type only: most partitions have nothing in the lake.
    produce(range(0, 800, len(EVENT_TYPES)))
    assert stream.once()["rows"] == 100
    # What a careless clean-up leaves: the query's id without its offsets.
    for lost in ("offsets", "commits", "sources"):
        stream.checkpoint.fs.rm((stream.checkpoint / lost).path, recursive=True)
    produce(range(800, 5_000))

    process = stream.start("--trigger=1s")
    wait_until(lambda: len(event_numbers(stream)) >= 4_300, process)
    stream.require_exactly_what_kafka_holds()
    produce(range(5_000, 8_000))
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=TIMEOUT_S)

    assert process.returncode == 0, errors
    for offsets in stream.offsets().values():
        assert offsets == list(range(len(offsets)))
    rows = len(stream.rows("topic"))
    assert json.loads(out)["rows"] == rows - 100
    lines = [json.loads(line) for line in errors.splitlines() if line.startswith('{"batch"')]
    assert sum(batch["rows"] for batch in lines) == rows - 100
    assert all(batch["seconds"] > 0 and batch["quarantined"] == 0 for batch in lines)

    make_anew(stream.bootstrap, [EventType.BUS_ARRIVAL.topic])
    produce(range(0, 80_000, len(EVENT_TYPES)))  # more than before: the old offsets exist again
    process = stream.start("--once")
    _, complaint = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1
    assert f"topic {EventType.BUS_ARRIVAL.topic} was deleted and created again" in complaint
    assert len(stream.rows("topic")) == rows


@dataclass(frozen=True)
class LeftBehind:
    """The lease of a stream that was killed, in a bucket with nothing else."""

    bucket: GcsBucket

    def renew(self) -> None:
        """Write it as its holder does."""
        about = {"pid": 7, "holder": "ticketsim stream", "since": "noon", "host": "elsewhere", "token": "another"}
        self.bucket.emulator.client().bucket(self.bucket.name).blob(self.name).upload_from_string(json.dumps(about))

    @property
    def name(self) -> str:
        return f"prefix/lake/{LEASE_FILE}"

    def remove(self) -> None:
        """Delete it, as a holder that ends by itself does."""
        self.bucket.emulator.client().bucket(self.bucket.name).blob(self.name).delete()

    def generations(self) -> dict[str, int]:
        """Return the generation of each object; the emulator's are microseconds of its clock."""
        return {blob.name: blob.generation for blob in self.bucket.emulator.client().list_blobs(self.bucket.name)}


@pytest.fixture
def left_behind(gcs: GcsBucket) -> LeftBehind:
    lease = LeftBehind(gcs)
    lease.renew()
    return lease


@pytest.fixture
def patient(stream: Stream) -> Stream:
    """The stream with a lease that is watched for longer than a test takes, of that 6 s before Spark is started."""
    script = (
        "from streaming.locks import gcs_lease; gcs_lease.PACE = gcs_lease.Pace(4, 3, 600); "
        "from ticketsim.cli import main; main()"
    )
    return dataclasses.replace(stream, launcher=(sys.executable, "-c", script))


@IN_A_BUCKET
def test_spark_starts_while_a_lease_is_watched_and_nothing_is_written_before_it_is_held(patient, produce, left_behind):
    produce(range(500))
    abandoned = left_behind.generations()
    process = patient.start("--once")
    wait_until(lambda: bool(jvms_of(process)), process)
    assert left_behind.generations() == abandoned
    time.sleep(5)  # so long Spark takes to start; what it was started for must not begin
    assert left_behind.generations() == abandoned

    left_behind.remove()
    written = set()
    while process.poll() is None:
        written |= {(generation, name) for name, generation in left_behind.generations().items()}
        time.sleep(0.1)
    written |= {(generation, name) for name, generation in left_behind.generations().items()}

    out, errors = process.communicate()
    assert process.returncode == 0, errors
    assert json.loads(out)["rows"] == 500
    patient.require_exactly_what_kafka_holds()
    assert min(written)[1] == left_behind.name, "something was written before the lease was held"
    assert {"lake", "checkpoint"} <= {name.split("/")[1] for _, name in written}


@IN_A_BUCKET  # one that is stopped before it starts Spark: test_runner.py
def test_a_stream_that_is_stopped_or_hears_of_the_holder_while_spark_starts_writes_nothing_and_leaves_no_jvm(
    patient, left_behind
):
    before = left_behind.generations()
    stopped, refused = patient.start("--once"), patient.start("--once")
    for process in (stopped, refused):
        wait_until(lambda process=process: bool(jvms_of(process)), process)
    jvms = [*jvms_of(stopped), *jvms_of(refused)]

    stopped.send_signal(signal.SIGINT)
    out, errors = stopped.communicate(timeout=TIMEOUT_S)
    assert stopped.returncode == 0, errors
    assert json.loads(out)["rows"] == 0
    assert "Traceback" not in errors
    assert left_behind.generations() == before

    left_behind.renew()
    before = left_behind.generations()
    _, complaint = refused.communicate(timeout=TIMEOUT_S)
    assert refused.returncode == 1
    holder = "process 7 (ticketsim stream, since noon) on elsewhere"
    assert f"error: lake {patient.lake} is being written by {holder}. Stop it" in " ".join(complaint.split())
    assert "Traceback" not in complaint
    assert left_behind.generations() == before
    assert [jvm for jvm in jvms if jvm.is_running()] == []
