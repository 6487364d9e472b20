"""Kafka's machine without Docker: broker, topics and simulator, as their images would run them."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from containers import Container, end
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from simulator.events import TOPICS
from streaming.spark.jars import ensure_jars
from streaming.spark.java import find_java

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

VENV = Path(sys.prefix)


@pytest.fixture
def kafka(roots: Path, free_port: Callable[[], int]) -> Container:
    return Container(
        machine="kafka",
        service="kafka",
        folder=roots / "kafka",
        image="kafka",
        installed={"/opt/kafka/libs": ensure_jars().broker[0].parent},
        settings={"TICKETSIM_KAFKA_ADDRESS": "127.0.0.1"},
        environment={
            **{f"{name}_PORT": str(free_port()) for name in ("CLIENTS", "INTERNAL", "CONTROLLER")},
            "INTERNAL_HOST": "127.0.0.1",
            "JAVA_OPTIONS": "-Xmx384m -XX:+UseSerialGC",
            "PATH": f"{find_java().path.parent}:/usr/bin:/bin",
        },
    )


def of_simulator(roots: Path, kafka: Container, machine: str, service: str, **settings: str) -> Container:
    return Container(
        machine=machine,
        service=service,
        folder=roots / service,
        image="simulator",
        installed={"/opt/venv": VENV},
        settings=settings,
        instead={"kafka:19092": f"127.0.0.1:{kafka.environment['INTERNAL_PORT']}"},
    )


def busy_scenario(folder: Path) -> Path:
    """Return the scenario `original` with a bus every few seconds: a live run of it has something to send at once."""
    original = (ROOT / "simulator" / "scenarios" / "original.toml").read_text()
    assert "mean = 3.0" in original
    busy = folder / "busy.toml"
    busy.write_text(original.replace("mean = 3.0", "mean = 0.05"))
    return busy


def until_healthy(container: Container, process: subprocess.Popen, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not container.is_healthy():
        assert process.poll() is None, container.log.read_text()[-4000:]
        assert time.monotonic() < deadline, container.log.read_text()[-4000:]
        time.sleep(0.3)


def end_offsets(bootstrap: str) -> dict[str, int]:
    """Return the messages of each topic; waits until a new broker leads its partitions."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    metadata = admin.list_topics(timeout=30).topics
    asked = {
        TopicPartition(topic, number): OffsetSpec.latest() for topic in TOPICS for number in metadata[topic].partitions
    }
    retrying = Retrying(retry=retry_if_exception_type(KafkaException), stop=stop_after_delay(30), wait=wait_fixed(0.5))
    ends: Counter[str] = Counter(dict.fromkeys(TOPICS, 0))
    for partition, offset in retrying(
        lambda: {p: f.result().offset for p, f in admin.list_offsets(asked).items()}
    ).items():
        ends[partition.topic] += offset
    return ends


def test_broker_topics_and_simulator_work_as_their_images_run_them(roots: Path, kafka: Container):
    ports = {"9092": kafka.environment["CLIENTS_PORT"], "19092": kafka.environment["INTERNAL_PORT"]}
    kafka.instead = {f"127.0.0.1/{there} ": f"127.0.0.1/{here} " for there, here in ports.items()}
    kafka.instead |= {"127.0.0.1/19092": f"127.0.0.1/{ports['19092']}"}
    clients = f"127.0.0.1:{ports['9092']}"
    broker = kafka.start()
    try:
        until_healthy(kafka, broker)

        topics = of_simulator(roots, kafka, "kafka", "topics", TICKETSIM_PARTITIONS="5")
        made = topics.run()
        assert made.returncode == 0, made.stdout
        assert "8 topics created" in made.stdout
        assert "0 topics created" in topics.run().stdout

        simulator = of_simulator(
            roots, kafka, "simulator", "simulator", TICKETSIM_VENUES="3", TICKETSIM_SCENARIO=str(busy_scenario(roots))
        )
        process = simulator.start()
        deadline = time.monotonic() + 60
        while sum(end_offsets(clients).values()) == 0:
            assert process.poll() is None, simulator.log.read_text()
            assert time.monotonic() < deadline, simulator.log.read_text()
            time.sleep(0.5)
        assert end(process, timeout_s=60) == 0, simulator.log.read_text()
        sent = end_offsets(clients)
        assert sent["ticketsim.hour_closed"] >= 3 * 7, (
            "a simulator that is stopped sends the receipts of its open hours"
        )

        assert end(broker, timeout_s=60) in (0, 143)
        broker = kafka.start()
        until_healthy(kafka, broker)
        assert end_offsets(clients) == sent, "the volume has the messages"
    finally:
        end(broker)


def test_the_broker_refuses_to_start_without_an_address_for_its_clients(kafka: Container):
    del kafka.spec["environment"]["ADVERTISED_HOST"]
    said = kafka.run()
    assert said.returncode != 0
    assert "ADVERTISED_HOST" in said.stdout
