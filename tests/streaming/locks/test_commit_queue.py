import subprocess
import sys
import time

import pytest

from streaming.locks.commit_queue import (
    QUEUE_FOLDER,
    TURN_FILE,
    _ticket,
    _tickets,
    others_wait,
    take_turn,
    turn_holder,
)

WAIT = """
import sys, time
from pathlib import Path
from streaming.locks.commit_queue import QUEUE_FOLDER, _ticket
with _ticket(Path(sys.argv[1]) / QUEUE_FOLDER):
    print("waiting", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def waiting(tmp_path):
    waiters = []

    def start() -> subprocess.Popen:
        waiters.append(subprocess.Popen([sys.executable, "-c", WAIT, str(tmp_path)], stdout=subprocess.PIPE))
        assert waiters[-1].stdout.readline() == b"waiting\n"
        return waiters[-1]

    yield start
    for waiter in waiters:
        waiter.kill()
        waiter.wait()


def test_nobody_waits_for_a_lake_that_nobody_has_asked_for(tmp_path):
    assert not others_wait(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_waiting_process_is_noticed_and_one_that_was_killed_counts_for_nothing(tmp_path, waiting):
    waiter = waiting()
    assert others_wait(str(tmp_path))
    waiter.kill()
    waiter.wait()
    assert not others_wait(str(tmp_path))
    assert list((tmp_path / QUEUE_FOLDER).iterdir()) == []


def test_tickets_are_served_in_the_order_in_which_they_were_drawn(tmp_path):
    queue = tmp_path / QUEUE_FOLDER
    with _ticket(queue) as first:
        time.sleep(0.001)
        with _ticket(queue) as second:
            assert sorted(_tickets(queue)) == [first, second]
        assert list(_tickets(queue)) == [first]
    assert not others_wait(str(tmp_path))


@pytest.mark.slow
def test_whoever_wants_to_commit_waits_until_the_one_whose_turn_it_is_has_ended(tmp_path, hold, jvm):
    holder, told = hold(seconds=1, file=TURN_FILE), []
    turn = take_turn(jvm, str(tmp_path), "ticketsim vacuum", on_progress=told.append)
    assert holder.wait(5) == 0
    assert told == [
        f"ticketsim vacuum waits for its turn to commit to {tmp_path}: "
        f"process {holder.pid} (ticketsim stream, since noon) has it"
    ]
    assert "(ticketsim vacuum, since " in str(turn_holder(str(tmp_path)))
    turn.release()
    assert turn_holder(str(tmp_path)) is None
