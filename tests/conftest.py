"""What tests of several packages share: a real Kafka, an emulated bucket, and free ports."""

import os
import signal
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from simulator.events import TOPICS
from streaming.spark.jars import ensure_gcs_connector
from ticketsim.stack import broker as local_broker
from ticketsim.stack.ports import free_port as choose_free_port

from .cloud.bigquery_emulator import BigQueryEmulator, running_bigquery
from .cloud.gcs_emulator import GcsBucket, GcsEmulator, running_gcs
from .fresh_topics import make_anew
from .kafka_archive import use_archive

use_archive()


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


#: Where lakes lie. One test of every operation on the storage is run at both places, those of logic on a disk alone.
#: Tests of both carry ``BOTH_PLACES``; what one of them cannot do there is declared beside the test as
#: ``@pytest.mark.gap_on_gcs(raises=..., reason=...)`` and must fail in exactly that way.
PLACES = ("disk", pytest.param("gcs", marks=pytest.mark.slow))

BOTH_PLACES = pytest.mark.parametrize("lake_place", PLACES)

#: For a test of several processes that takes minutes, when another one does on a disk what it does here.
IN_A_BUCKET = pytest.mark.parametrize("lake_place", PLACES[1:])


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their markers
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "nightly" not in config.option.markexpr:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("nightly")])
        items[:] = [item for item in items if not item.get_closest_marker("nightly")]
    for item in items:
        gap = item.get_closest_marker("gap_on_gcs")
        if gap and isinstance(item, pytest.Function) and item.callspec.params["lake_place"] == "gcs":
            item.add_marker(pytest.mark.xfail(strict=True, **gap.kwargs))
        if isinstance(item, pytest.Function) and _needs_an_emulator(item):
            item.add_marker(pytest.mark.cloud)


def _needs_an_emulator(item: pytest.Function) -> bool:
    chosen = item.callspec.id.split("-") if hasattr(item, "callspec") else ()
    return not {"gcs_emulator", "bigquery_emulator", "gcs", "bigquery"}.isdisjoint((*item.fixturenames, *chosen))


@pytest.fixture
def lake_place() -> str:
    """Where the test's lake lies; one of PLACES."""
    return "disk"


@pytest.fixture
def lake_bucket(request: pytest.FixtureRequest, lake_place: str) -> str | None:
    """``gs://...`` for the test's lake; None where that is on a disk."""
    if lake_place == "disk":
        return None
    ensure_gcs_connector()  # downloaded here, for the commands of tests are not waited for so long
    return request.getfixturevalue("gcs").uri("prefix")


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
    make_anew(broker.bootstrap, TOPICS)
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
