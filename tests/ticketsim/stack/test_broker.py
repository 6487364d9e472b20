import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from simulator.events import TOPICS
from ticketsim.exceptions import BrokerFailed, BrokerRunning, NoSpace, PortTaken
from ticketsim.stack import broker as local_broker

TOPIC = TOPICS[0]


def send(bootstrap: str, *values: bytes) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "log_level": 0})
    for value in values:
        producer.produce(TOPIC, value)
    assert producer.flush(30) == 0


def receive(bootstrap: str, expected: int) -> set[bytes]:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "test",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )
    consumer.subscribe([TOPIC])
    values: set[bytes] = set()
    try:
        for _ in range(30):
            values |= {message.value() for message in consumer.consume(expected, timeout=1) if not message.error()}
            if len(values) >= expected:
                return values
    finally:
        consumer.close()
    return values


@pytest.mark.slow
def test_the_broker_has_the_eight_topics_with_three_partitions_each(broker, topics):
    metadata = AdminClient({"bootstrap.servers": topics}).list_topics(timeout=10).topics
    assert {name: len(topic.partitions) for name, topic in metadata.items() if name in TOPICS} == dict.fromkeys(
        TOPICS, 3
    )


@pytest.mark.slow
def test_the_broker_never_makes_a_topic_by_itself(broker, topics):
    admin = AdminClient({"bootstrap.servers": topics})
    resource = ConfigResource(ResourceType.BROKER, "1")
    assert admin.describe_configs([resource])[resource].result()["auto.create.topics.enable"].value == "false"
    admin.list_topics("ticketsim.misspelt", timeout=10)
    assert "ticketsim.misspelt" not in admin.list_topics(timeout=10).topics


@pytest.mark.slow
def test_starting_a_running_broker_leaves_it_as_it_is(broker):
    before = local_broker.status(broker.directory)
    assert local_broker.start(broker.directory, broker.port) == before
    assert before.ready
    assert set(TOPICS) <= set(before.topics)


@pytest.mark.slow
def test_a_running_broker_is_not_started_on_another_port(broker, free_port):
    with pytest.raises(BrokerRunning, match=f"already runs on port {broker.port}"):
        local_broker.start(broker.directory, free_port())


@pytest.mark.slow
def test_a_killed_broker_starts_again_with_its_data(broker, topics):
    send(topics, b"one", b"two")
    pid = local_broker.status(broker.directory).pid
    broker.kill()
    assert not local_broker.status(broker.directory).running
    broker.restart()
    assert local_broker.status(broker.directory).pid != pid
    assert receive(topics, 2) == {b"one", b"two"}


@pytest.mark.slow
def test_a_stopped_broker_starts_again_with_its_data_even_on_another_port(tmp_path, free_port):
    try:
        first = local_broker.start(tmp_path, free_port())
        send(first.bootstrap, b"kept")
        assert local_broker.stop(tmp_path)
        assert not psutil.pid_exists(first.pid)
        assert not local_broker.stop(tmp_path)
        assert not local_broker.status(tmp_path).running
        second = local_broker.start(tmp_path, free_port())
        assert second.port != first.port
        assert receive(second.bootstrap, 1) == {b"kept"}
    finally:
        local_broker.stop(tmp_path)


@pytest.mark.slow
def test_a_broker_that_cannot_start_says_why_and_leaves_no_process(tmp_path, free_port):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "meta.properties").write_text("version=1\ncluster.id=x\nnode.id=7\n")
    with pytest.raises(BrokerFailed, match=r"ended while it was starting.*node.id.*kafka.log"):
        local_broker.start(tmp_path, free_port())
    assert not local_broker.status(tmp_path).running
    assert not [p for p in psutil.process_iter(["cmdline"]) if str(tmp_path) in " ".join(p.info["cmdline"] or ())]


@pytest.mark.slow
def test_the_command_prints_one_json_object_and_the_broker_outlives_it(tmp_path, free_port):
    def ticketsim_broker(*arguments: str) -> subprocess.CompletedProcess:
        program = "import sys; from ticketsim.commands.broker import broker_app; broker_app(sys.argv[1:])"
        command = [sys.executable, "-c", program, *arguments, "--dir", str(tmp_path), "--json"]
        return subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)

    try:
        started = ticketsim_broker("start", "--port", str(free_port()), "--partitions", "2")
        assert started.returncode == 0, started.stderr
        result = json.loads(started.stdout)
        assert set(TOPICS) <= set(result["topics"])
        assert psutil.pid_exists(result["pid"])
        partitions = AdminClient({"bootstrap.servers": result["bootstrap"]}).list_topics(TOPIC, timeout=10)
        assert len(partitions.topics[TOPIC].partitions) == 2
        assert json.loads(ticketsim_broker("status").stdout) == result
        assert json.loads(ticketsim_broker("stop").stdout) == {"directory": str(tmp_path), "stopped": True}
        status = ticketsim_broker("status")
        assert status.returncode == 1
        assert json.loads(status.stdout)["running"] is False
    finally:
        local_broker.stop(tmp_path)


@pytest.mark.slow
def test_ctrl_c_while_the_broker_starts_ends_it_and_the_next_start_works(tmp_path, free_port):
    port = free_port()
    program = "import sys; from ticketsim.commands.broker import broker_app; broker_app(sys.argv[1:])"
    command = [sys.executable, "-c", program, "start", "--port", str(port), "--dir", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as starting:
        while not (tmp_path / "broker.json").exists():
            assert starting.poll() is None
            time.sleep(0.05)
        pid = json.loads((tmp_path / "broker.json").read_text())["pid"]
        starting.send_signal(signal.SIGINT)
    assert starting.returncode != 0
    assert not psutil.pid_exists(pid)
    try:
        assert local_broker.start(tmp_path, port).ready
    finally:
        local_broker.stop(tmp_path)


@pytest.mark.slow
def test_a_port_taken_by_somebody_else_is_named_with_its_holder_and_the_cure(tmp_path, prepared_jars):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"Port {port} is in use by .*pid {os.getpid()}.*`--port`"):
            local_broker.start(tmp_path, port)
    assert not (tmp_path / "data").exists()


def test_a_full_disk_is_refused_before_anything_is_written(tmp_path, prepared_jars, free_port, monkeypatch):
    monkeypatch.setattr(local_broker, "MINIMUM_FREE_BYTES", 1 << 60)
    with pytest.raises(NoSpace, match=r"Only \d+ MiB are free .*TICKETSIM_HOME"):
        local_broker.start(tmp_path, free_port())
    assert not (tmp_path / "data").exists()


def test_a_pid_that_now_belongs_to_another_process_is_never_taken_for_the_broker(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        created = psutil.Process(stranger.pid).create_time()
        recorded = {"pid": stranger.pid, "create_time": created, "port": 1, "controller_port": 2}
        (tmp_path / "broker.json").write_text(json.dumps(recorded))
        assert not local_broker.status(tmp_path).running
        assert not local_broker.stop(tmp_path)
        assert stranger.poll() is None
        stranger.send_signal(signal.SIGTERM)


def test_a_broker_that_was_never_started_does_not_run_and_stopping_it_makes_nothing(tmp_path):
    directory: Path = tmp_path / "never"
    assert not local_broker.status(directory).running
    assert not local_broker.stop(directory)
    assert not directory.exists()
