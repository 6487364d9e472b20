"""A broker killed while it is written to, behind TLS and a login as in production: at the end every receipt matches."""

import json
import subprocess
import time

import pytest

from simulator.topics import create_topics
from streaming.kafka.offsets import topic_offsets

from ..secured_kafka import SecuredKafka
from .conftest import CommandLine

pytestmark = pytest.mark.slow


@pytest.fixture
def kafka(tmp_path):
    folder = tmp_path / "kafka"
    folder.mkdir()
    secured = SecuredKafka(folder)
    try:
        secured.start()
        create_topics(f"127.0.0.1:{secured.port}", 3)
        yield secured
    finally:
        secured.stop()


@pytest.fixture
def ticketsim(tmp_path, kafka, monkeypatch):
    """The command line, whose Kafka asks for TLS and a login."""
    for name, value in kafka.login_tls.items():
        monkeypatch.setenv(name, value)
    return CommandLine(tmp_path / "home", kafka.login_tls_port)


def sent(kafka):
    """Messages that the broker holds, seen through its plain door."""
    return sum(log.end for log in (topic_offsets(f"127.0.0.1:{kafka.port}") or {}).values())


def test_every_receipt_matches_after_the_broker_was_killed_while_the_run_was_sent(ticketsim, kafka, monkeypatch):
    simulation = ticketsim.start(
        # An hour a second, so that the run is under way when its broker dies, on a quick machine and on a slow one.
        *(
            "simulate",
            "--scenario",
            "stable",
            "--hours",
            "5",
            "--venues",
            "2",
            "--start",
            "2026-03-01",
            "--pace",
            "3600",
        ),
        *("--to", f"kafka://{ticketsim.bootstrap}", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with monkeypatch.context() as plain:
        for name in kafka.login_tls:
            plain.delenv(name)
        deadline = time.monotonic() + 60
        while not (held := sent(kafka)):
            assert simulation.poll() is None, simulation.stderr.read().decode()
            assert time.monotonic() < deadline
            time.sleep(0.05)
    kafka.kill()
    time.sleep(2)
    assert simulation.poll() is None, "the run was through before its broker was killed"
    kafka.start()
    out, err = simulation.communicate(timeout=120)
    assert simulation.returncode == 0, err
    total = json.loads(out)["total"]
    assert 0 < held < total

    streamed = ticketsim("stream", "--once", "--json")
    assert streamed.code == 0, streamed.err
    materialized = ticketsim("materialize", "--from", "2026-03-01T00:00", "--to", "2026-03-01T05:00")
    assert materialized.code == 0, materialized.err
    reconciled = ticketsim("reconcile", "--strict", "--json")
    assert reconciled.code == 0, reconciled.err
    assert (reconciled.json["unproved"], reconciled.json["problems"]) == (0, [])
    assert reconciled.json["proved"] == 7 * 2 * 6
