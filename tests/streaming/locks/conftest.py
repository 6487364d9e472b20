"""Processes that hold a lock, and a JVM that wants it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from pyspark.java_gateway import launch_gateway

from streaming.child_environment import as_environment, of_spark
from streaming.locks.stream_lease import LEASE_FILE

HOLD = """
import fcntl, json, os, sys, time
file = open(sys.argv[1], "r+")
fcntl.lockf(file, fcntl.LOCK_EX)
json.dump({"pid": int(sys.argv[2]) or os.getpid(), "holder": "ticketsim stream", "since": "noon"}, file)
file.flush()
print("held", flush=True)
time.sleep(float(sys.argv[3]))
"""


@pytest.fixture
def hold(tmp_path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Start a process that holds the lock on a file of the lake in ``tmp_path``, for some seconds."""
    holders = []

    def start(pid: int = 0, seconds: float = 60, file: str = LEASE_FILE) -> subprocess.Popen:
        (tmp_path / file).touch()
        command = [sys.executable, "-c", HOLD, str(tmp_path / file), str(pid), str(seconds)]
        holders.append(subprocess.Popen(command, stdout=subprocess.PIPE))
        assert holders[-1].stdout.readline() == b"held\n"
        return holders[-1]

    yield start
    for holder in holders:
        holder.kill()
        holder.wait()


@pytest.fixture(scope="session")
def jvm() -> Iterator[SimpleNamespace]:
    """A session of Spark, as far as locks know one: its JVM. Spark itself would take five times as long to start."""
    with as_environment(of_spark()):
        gateway = launch_gateway()
    yield SimpleNamespace(_jvm=gateway.jvm)
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait(30)
