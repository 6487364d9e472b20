import json
import os
import subprocess
import sys

import pytest

from streaming.exceptions import LeaseHeld
from streaming.locks.stream_lease import LEASE_FILE, create_lease

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
def hold(tmp_path):
    holders = []

    def start(pid: int = 0, seconds: float = 60) -> subprocess.Popen:
        (tmp_path / LEASE_FILE).touch()
        command = [sys.executable, "-c", HOLD, str(tmp_path / LEASE_FILE), str(pid), str(seconds)]
        holders.append(subprocess.Popen(command, stdout=subprocess.PIPE))
        assert holders[-1].stdout.readline() == b"held\n"
        return holders[-1]

    yield start
    for holder in holders:
        holder.kill()
        holder.wait()


def test_a_lake_that_nobody_writes_is_free(tmp_path):
    create_lease(str(tmp_path), "ticketsim stream").require_free()
    (tmp_path / LEASE_FILE).write_text(json.dumps({"pid": 1}))
    create_lease(str(tmp_path), "ticketsim stream").require_free()


def test_a_second_writer_is_refused_by_the_name_of_the_first(tmp_path, hold):
    holder = hold()
    with pytest.raises(LeaseHeld, match=rf"written by process {holder.pid} \(ticketsim stream, since noon\)"):
        create_lease(str(tmp_path), "ticketsim stream").require_free()


def test_the_lease_is_free_once_its_holder_was_killed(tmp_path, hold):
    holder = hold()
    holder.kill()
    holder.wait()
    create_lease(str(tmp_path), "ticketsim stream").require_free()


def test_a_holder_that_is_only_about_to_end_is_waited_for(tmp_path, hold):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    hold(pid=gone.pid, seconds=1)
    create_lease(str(tmp_path), "ticketsim stream").require_free()


def test_a_holder_whose_id_another_process_has_by_now_is_only_about_to_end(tmp_path, hold):
    """The JVM of a dead stream keeps the lock for a moment; its Python's id lives, but began at another time."""
    holder = hold(pid=os.getpid(), seconds=2)
    about = {"pid": os.getpid(), "create_time": 1.0, "holder": "ticketsim stream", "since": "noon"}
    (tmp_path / LEASE_FILE).write_text(json.dumps(about))
    create_lease(str(tmp_path), "ticketsim stream").require_free()
    assert holder.wait(10) == 0
