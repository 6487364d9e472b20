import json
import os
import subprocess
import sys
import threading

import pytest

from streaming.exceptions import LeaseHeld
from streaming.locks.stream_lease import LEASE_FILE, create_lease, lease_holder


def test_a_lake_that_nobody_writes_is_free(tmp_path):
    create_lease(str(tmp_path), "ticketsim stream").require_free(threading.Event())
    (tmp_path / LEASE_FILE).write_text(json.dumps({"pid": 1}))
    create_lease(str(tmp_path), "ticketsim stream").require_free(threading.Event())


def test_a_second_writer_is_refused_by_the_name_of_the_first(tmp_path, hold):
    holder = hold()
    with pytest.raises(LeaseHeld, match=rf"written by process {holder.pid} \(ticketsim stream, since noon\)"):
        create_lease(str(tmp_path), "ticketsim stream").require_free(threading.Event())


def test_the_lease_is_free_once_its_holder_was_killed(tmp_path, hold):
    holder = hold()
    holder.kill()
    holder.wait()
    create_lease(str(tmp_path), "ticketsim stream").require_free(threading.Event())


def test_a_holder_that_is_only_about_to_end_is_waited_for(tmp_path, hold):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    hold(pid=gone.pid, seconds=1)
    create_lease(str(tmp_path), "ticketsim stream").require_free(threading.Event())


def test_a_holder_whose_id_another_process_has_by_now_is_only_about_to_end(tmp_path, hold):
    """The JVM of a dead stream keeps the lock for a moment; its Python's id lives, but began at another time."""
    holder = hold(pid=os.getpid(), seconds=2)
    about = {"pid": os.getpid(), "create_time": 1.0, "holder": "ticketsim stream", "since": "noon"}
    (tmp_path / LEASE_FILE).write_text(json.dumps(about))
    create_lease(str(tmp_path), "ticketsim stream").require_free(threading.Event())
    assert holder.wait(10) == 0


@pytest.mark.slow
def test_of_two_that_found_the_lake_free_the_one_that_comes_second_is_refused_by_the_name_of_the_first(
    tmp_path, hold, jvm
):
    lease = create_lease(str(tmp_path), "ticketsim stream")
    lease.require_free(threading.Event())
    holder = hold()
    with pytest.raises(LeaseHeld, match=f"is being written by process {holder.pid} "), lease.held(jvm):
        pytest.fail("two streams write one lake")
    holder.kill()
    holder.wait()
    with lease.held(jvm):
        assert f"process {os.getpid()} (ticketsim stream, since " in str(lease_holder(str(tmp_path)))
    assert lease_holder(str(tmp_path)) is None
