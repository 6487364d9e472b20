"""The whole way with the real parts: Kafka, Spark, Delta, Dagster, dbt, the page."""

import os
import signal
import subprocess
import time

import duckdb
import pytest

pytestmark = pytest.mark.slow


def test_the_demo_proves_every_receipt_in_any_home_and_again_without_sending_the_same_run_twice(ticketsim_elsewhere):
    ticketsim = ticketsim_elsewhere
    first = ticketsim("demo", "--hours", "1", "--venues", "2", "--seed", "11", "--json")
    assert first.code == 0, first.err
    report = first.json
    assert report["proved"]
    assert report["receipts"] == report["matched"] == 2 * 7 * report["hours"]
    assert report["produced"] == report["in_lake"] == report["in_warehouse"]
    assert (ticketsim.home / "dashboard" / "index.html").stat().st_size > 100_000
    assert ticketsim("broker", "status").code == 1

    again = ticketsim("demo", "--hours", "1", "--venues", "2", "--seed", "11", "--json")
    assert again.code == 0, again.err
    assert again.json["sent_before"]
    assert again.json["in_warehouse"] == report["in_warehouse"]


def test_a_demo_interrupted_at_any_station_goes_on_and_copies_late_and_corrupt_messages_change_nothing(ticketsim):
    chaos = "duplicates=0.02,late=0.02:10m,corrupt=0.01,reorder=0.02"
    options = ("demo", "--hours", "0.5", "--venues", "1", "--seed", "13", "--chaos", chaos, "--json")
    for station in ("broker/broker.json", "lake/events/_delta_log", "warehouse.duckdb"):
        interrupt_at(ticketsim, station, options)
    answer = ticketsim(*options)
    assert answer.code == 0, answer.err
    report = answer.json
    assert report["proved"]
    assert report["quarantined"] > 0
    assert sum(report["in_lake"].values()) > sum(report["produced"].values())
    assert report["produced"] == report["in_warehouse"]
    with duckdb.connect(ticketsim.home / "warehouse.duckdb", read_only=True) as connection:
        assert connection.execute("select count(*) from raw.quarantine").fetchall() == [(report["quarantined"],)]


def interrupt_at(ticketsim, station, options):
    """Start a demo and press Ctrl-C as soon as the file appears."""
    demo = ticketsim.start(*options, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 200
    while not (ticketsim.home / station).exists():
        assert demo.poll() is None, demo.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(demo.pid, signal.SIGINT)  # as a terminal does: to everything in the foreground
    _, said = demo.communicate(timeout=120)
    assert demo.returncode == 130, (station, said)
    assert "Traceback" not in said
    assert ticketsim("broker", "status").code == 1


def test_a_port_that_is_taken_is_named_with_the_cure(ticketsim):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ticketsim.port))
        taken.listen()
        answer = ticketsim("demo", "--hours", "1")
    assert answer.code == 1
    assert str(ticketsim.port) in answer.err
    assert "Traceback" not in answer.err
