import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.proxied_kafka import running_proxied_kafka
from harness.stream import Stream

from streaming.spark.jars import ensure_jars
from streaming.spark.session import spark_session

from .walk import Surroundings


@pytest.fixture
def chaos_seed() -> int:
    """The seed of the schedule; CHAOS_SEED sets another one than that of `make test`."""
    return int(os.environ.get("CHAOS_SEED", "5"))


@pytest.fixture
def stream(topics: str, tmp_path: Path) -> Iterator[Stream]:
    """A stream from a broker with empty topics into a lake that does not exist yet."""
    made = Stream.below(tmp_path, topics)
    yield made
    made.end_all()


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    """A broker and a session of Spark for all walks of a module."""
    kafka = running_proxied_kafka(tmp_path_factory.mktemp("kafka"))
    with kafka as broker, spark_session(ensure_jars().spark, {"spark.driver.memory": "1g"}) as spark:
        yield Surroundings(broker, spark, tmp_path_factory.mktemp("walks"))
