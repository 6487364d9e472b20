"""SIGTERM and Ctrl-C end every command that simulates or sends, soon and with all that it started."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from .replay.conftest import PublishedModel

pytestmark = pytest.mark.slow

COMMAND = Path(sys.executable).with_name("ticketsim")

#: Two seconds are promised on a machine of one's own; those that run tests are busy.
LIMIT_S = 15

#: Lines grow for so long that a plan takes minutes.
PLAN = ["plan", "--scenario", "original", "--target-wait", "60m", "--workers", "2"]

BOTH = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])


@pytest.fixture
def started():
    """started(arguments) -> the process of the command, in a group of its own, whose output nobody reads."""
    processes = []

    def start(arguments):
        process = subprocess.Popen(
            [COMMAND, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def send(process, number):
    """Send as a terminal or an init system does; return what ended within the limit, and what was said."""
    group = psutil.Process(process.pid).children(recursive=True)
    began = time.monotonic()
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    code = process.wait(30)
    lasted = time.monotonic() - began
    alive = still_alive(group, 1)
    said = process.stderr.read().decode()
    assert not alive, f"{alive} outlived it"
    assert lasted < LIMIT_S, f"it took {lasted:.1f} s"
    assert "Traceback" not in said, said
    return code, said


def still_alive(processes, timeout_s):
    """Those that have not ended; whose parent has ended may wait for ever for somebody to take note of it."""
    _, alive = psutil.wait_procs(processes, timeout=timeout_s)
    return [process for process in alive if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def busy_workers(process):
    """Worker processes that have simulated for a while."""
    return [
        child
        for child in psutil.Process(process.pid).children()
        if "spawn_main" in " ".join(child.cmdline()) and child.cpu_times().user > 1
    ]


@BOTH
def test_a_plan_ends_with_its_workers(started, number):
    process = started(PLAN)
    wait_until(lambda: len(busy_workers(process)) == 2)
    code, _ = send(process, number)

    assert code == {signal.SIGTERM: 143, signal.SIGINT: 130}[number]


def test_workers_of_a_plan_end_when_their_parent_is_killed(started):
    process = started(PLAN)
    wait_until(lambda: len(busy_workers(process)) == 2)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()

    assert not still_alive(workers, 10)


@BOTH
@pytest.mark.parametrize(("engine", "venues"), [("simpy", "300"), ("fast", "1000")])
def test_a_run_of_hours_that_take_long_ends_within_one(started, number, engine, venues, tmp_path):
    file = tmp_path / "events.jsonl"
    command = ["simulate", "--hours", "100", "--venues", venues, "--engine", engine]
    process = started([*command, "--to", f"file:{file}", "--json"])
    part = tmp_path / "events.jsonl.part"
    wait_until(lambda: part.exists() and part.stat().st_size)
    code, said = send(process, number)

    assert code == 0, said
    assert "stopped early, within an hour, whose receipts were not sent" in said
    summary = json.loads(process.stdout.read())
    lines = file.read_bytes().splitlines()
    assert summary["total"] == len(lines)
    assert all(json.loads(line) for line in lines)


@BOTH
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_run_ends_although_nobody_reads_it(started, number, workers):
    process = started(["simulate", "--hours", "10", "--venues", "2", "--workers", workers])
    assert process.stdout.read(1)
    time.sleep(1)  # by then the pipe is full
    code, said = send(process, number)

    assert code == 128 + number
    assert "stopped before everything was delivered. Run it again" in said


@BOTH
def test_a_replay_ends_although_nobody_reads_it(started, number, tmp_path):
    log = tmp_path / "log.json"
    log.write_text(json.dumps(PublishedModel(3).run(30)))
    process = started(["replay", str(log)])
    assert process.stdout.read(1)
    time.sleep(0.5)
    code, _ = send(process, number)

    assert code == 128 + number


def test_workers_that_wait_for_a_broker_end_with_sigterm(started):
    process = started(["simulate", "--hours", "1", "--venues", "2", "--workers", "2", "--to", "kafka://127.0.0.1:1"])
    assert b"waiting up to 60 s" in process.stderr.readline()
    code, _ = send(process, signal.SIGTERM)

    assert code == 143
