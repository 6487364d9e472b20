"""What tests of several packages share: a real Kafka, an emulated bucket, and free ports."""

import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from confluent_kafka.admin import AdminClient

from local import broker as local_broker
from local.ports import free_port as choose_free_port
from simulator.events import TOPICS
from simulator.topics import create_topics

from .cloud.bigquery_emulator import BigQueryEmulator, running_bigquery
from .cloud.gcs_emulator import GcsBucket, GcsEmulator, running_gcs


@dataclass(frozen=True)
class Broker:
    """A real Kafka of this test session (of this worker, under pytest-xdist)."""

    directory: Path
    port: int

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End it as a crash would: kill -9."""
        pid = local_broker.status(self.directory).pid
        assert pid is not None, "there is no broker to kill"
        process = psutil.Process(pid)
        os.kill(pid, signal.SIGKILL)
        process.wait(10)

    def restart(self) -> None:
        """Start it on the same port with the same data, if it does not run."""
        local_broker.start(self.directory, self.port)


@pytest.fixture
def free_port() -> Callable[[], int]:
    return choose_free_port


@pytest.fixture(scope="session")
def _broker_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    kafka = Broker(tmp_path_factory.mktemp("kafka"), choose_free_port())
    try:
        kafka.restart()
        yield kafka
    finally:
        local_broker.stop(kafka.directory)


@pytest.fixture
def broker(_broker_of_the_session: Broker) -> Broker:
    """A running Kafka; a test may kill it, the next one finds it running again."""
    _broker_of_the_session.restart()
    return _broker_of_the_session


@pytest.fixture
def topics(broker: Broker) -> str:
    """Where to connect to; the eight topics are there, and empty."""
    admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    present = [topic for topic in admin.list_topics(timeout=10).topics if topic in TOPICS]
    for deleted in admin.delete_topics(present, operation_timeout=30).values() if present else ():
        deleted.result()
    deadline = time.monotonic() + 30
    while set(TOPICS) & set(admin.list_topics(timeout=10).topics):
        assert time.monotonic() < deadline, "the old topics are still there after 30 s"
        time.sleep(0.1)
    create_topics(broker.bootstrap, 3)
    return broker.bootstrap


@pytest.fixture(scope="session")
def gcs_emulator() -> Iterator[GcsEmulator]:
    """An emulated Google Cloud Storage of this session; the environment does not name it."""
    with running_gcs() as emulator:
        yield emulator


@pytest.fixture
def gcs(gcs_emulator: GcsEmulator, monkeypatch: pytest.MonkeyPatch) -> GcsBucket:
    """An empty bucket; this process and those that it starts take the emulator for Google Cloud Storage."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_emulator.endpoint)
    bucket = GcsBucket(gcs_emulator, f"lake-{uuid.uuid4().hex[:12]}")
    gcs_emulator.client().create_bucket(bucket.name)
    return bucket


@pytest.fixture(scope="session")
def bigquery_emulator(
    gcs_emulator: GcsEmulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BigQueryEmulator]:
    """A BigQuery of this test session, which loads from its Cloud Storage."""
    with running_bigquery(gcs_emulator.endpoint, tmp_path_factory.mktemp("bigquery")) as emulator:
        yield emulator
