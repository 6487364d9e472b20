"""The lease on a lake in a bucket: who has it, who is refused, and how it changes hands."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from streaming.exceptions import BucketUnreachable, LeaseHeld
from streaming.locks.gcs_lease import HeartbeatLease, Pace, present_holder
from streaming.locks.stream_lease import LEASE_FILE, create_lease, lease_holder

pytestmark = pytest.mark.slow

PACE = Pace(heartbeat_s=0.2, margin_s=0.5, expires_after_s=1.5)

HOLD = """
import sys, time
from streaming.locks.gcs_lease import HeartbeatLease, Pace
lease = HeartbeatLease(sys.argv[1], "ticketsim stream", Pace(0.2, 0.5, 1.5))
free, holder = lease.watch()
held = free and lease.take(lambda: print("lost", lease.lost, flush=True))
print("held" if held else f"refused: {holder}", flush=True)
time.sleep(60)
"""


@pytest.fixture
def uri(gcs) -> str:
    return gcs.uri(f"lake/{LEASE_FILE}")


@pytest.fixture
def hold(uri) -> Iterator[Callable[[], "subprocess.Popen[str]"]]:
    """Start a process that holds the lease."""
    holders = []

    def start() -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", HOLD, uri]
        holders.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert holders[-1].stdout.readline() == "held\n"
        return holders[-1]

    yield start
    for holder in holders:
        holder.kill()
        holder.wait()


def lease(uri: str, pace: Pace = PACE) -> HeartbeatLease:
    return HeartbeatLease(uri, "ticketsim stream", pace)


def test_a_second_stream_is_refused_by_the_name_of_the_first_as_soon_as_that_is_heard_of(uri, hold, gcs):
    holder = hold()
    started = time.monotonic()
    free, who = lease(uri).watch()
    assert not free
    assert f"process {holder.pid} (ticketsim stream, since " in str(who)
    assert time.monotonic() - started < PACE.expires_after_s
    assert str(lease_holder(gcs.uri("lake"))) == str(who)


def test_the_refusal_names_lake_and_holder(uri, hold, gcs, monkeypatch):
    holder = hold()
    monkeypatch.setattr("streaming.locks.gcs_lease.PACE", PACE)
    with pytest.raises(LeaseHeld, match=rf"lake {gcs.uri('lake')} is being written by process {holder.pid} "):
        create_lease(gcs.uri("lake"), "ticketsim stream").require_free()


def test_of_many_who_find_it_free_at_the_same_time_one_gets_it(uri):
    contenders = [lease(uri) for _ in range(8)]
    assert all(each.watch()[0] for each in contenders)
    got: list[bool] = []
    threads = [threading.Thread(target=lambda each=each: got.append(each.take(lambda: None))) for each in contenders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in contenders:
        each.release()
    assert sorted(got) == [False] * 7 + [True]


def test_the_lease_of_a_holder_that_was_killed_is_taken_over_once_and_only_after_a_while(uri, hold):
    holder = hold()
    holder.kill()
    holder.wait()
    killed = time.monotonic()
    first, second = lease(uri), lease(uri)
    assert first.watch()[0]
    assert time.monotonic() - killed > PACE.gives_up_s
    assert second.watch()[0]
    assert first.take(lambda: None)
    assert not second.take(lambda: None)
    first.release()
    assert lease(uri).watch() == (True, None)


def test_a_holder_that_slept_while_another_took_over_stops_as_soon_as_it_wakes(uri, hold):
    sleeper = hold()
    os.kill(sleeper.pid, signal.SIGSTOP)
    other = lease(uri)
    assert other.watch()[0]
    assert other.take(lambda: None)
    os.kill(sleeper.pid, signal.SIGCONT)
    assert sleeper.stdout.readline().startswith("lost ")
    time.sleep(3 * PACE.heartbeat_s)
    assert other.lost is None, "the one that lost it must not write it any more"
    other.release()


def test_a_holder_whose_lease_was_taken_names_the_one_who_has_it(uri, gcs):
    lost = threading.Event()
    mine = lease(uri)
    assert mine.watch()[0]
    assert mine.take(lost.set)
    taken = {"pid": 7, "holder": "ticketsim stream", "since": "noon", "host": "elsewhere", "token": "another"}
    gcs.emulator.client().bucket(gcs.name).blob(f"lake/{LEASE_FILE}").upload_from_string(json.dumps(taken))
    assert lost.wait(5)
    assert mine.lost == "process 7 (ticketsim stream, since noon) on elsewhere has taken it over"
    mine.release()
    assert gcs.names(f"lake/{LEASE_FILE}"), "it is the other one's to remove"


def test_a_holder_that_cannot_reach_the_bucket_gives_up_before_others_may_take_over(uri, monkeypatch):
    lost = threading.Event()
    mine = lease(uri)
    assert mine.watch()[0]
    assert mine.take(lost.set)

    def away(*_, **__):
        raise ConnectionError("the network is away")

    monkeypatch.setattr(mine._object, "replace", away)
    began = time.monotonic()
    assert lost.wait(5)
    assert time.monotonic() - began < PACE.expires_after_s
    assert "not renewed for 1 s (the network is away)" in (mine.lost or "")


def test_a_renewal_of_which_only_the_answer_was_lost_is_none_that_was_refused(uri, monkeypatch):
    mine = lease(uri)
    assert mine.watch()[0]
    assert mine.take(lambda: None)
    really, failed = mine._object.replace, threading.Event()

    def answer_lost(*arguments):
        generation = really(*arguments)
        if not failed.is_set():
            failed.set()
            raise ConnectionError("reset by peer")
        return generation

    monkeypatch.setattr(mine._object, "replace", answer_lost)
    assert failed.wait(5)
    time.sleep(4 * PACE.heartbeat_s)
    assert mine.lost is None
    mine.release()
    assert lease(uri).watch() == (True, None)


def test_a_lease_that_was_left_behind_is_nobody_s_for_those_who_only_look(uri, hold):
    holder = hold()
    assert present_holder(uri, PACE.expires_after_s) is not None
    holder.kill()
    time.sleep(PACE.expires_after_s + 0.2)
    assert present_holder(uri, PACE.expires_after_s) is None


def test_a_bucket_that_is_not_there_and_one_that_does_not_answer_are_named(gcs, free_port, monkeypatch):
    nowhere = create_lease("gs://no-such-bucket/lake", "ticketsim stream")
    with pytest.raises(BucketUnreachable, match="gs://no-such-bucket/lake cannot be reached"), nowhere.held(None):
        pass
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr("streaming.locks.gcs_lease._READING", None)
    with pytest.raises(BucketUnreachable, match="Connection refused"):
        create_lease(gcs.uri("lake"), "ticketsim stream").require_free()
