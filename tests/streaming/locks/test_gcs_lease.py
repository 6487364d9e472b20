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
from streaming.locks.jvm_lock import Holder
from streaming.locks.stream_lease import LEASE_FILE, create_lease, lease_holder

pytestmark = pytest.mark.slow

PACE = Pace(heartbeat_s=0.2, margin_s=0.5, expires_after_s=1.5)

HOLD = """
import sys, threading, time
from streaming.locks.gcs_lease import HeartbeatLease, Pace
lease = HeartbeatLease(sys.argv[1], "ticketsim stream", Pace(0.2, 0.5, 1.5))
holder = lease.watch(threading.Event(), 1.5)
held = lease.take(lambda: print("lost", lease.lost, flush=True))
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


def watch(wanted: HeartbeatLease, until_s: float = PACE.expires_after_s) -> Holder | None:
    return wanted.watch(threading.Event(), until_s)


def hold_in_this_process(uri: str, on_loss: Callable[[], None] = lambda: None) -> HeartbeatLease:
    mine = lease(uri)
    assert watch(mine) is None
    assert mine.take(on_loss)
    return mine


def test_a_second_stream_is_refused_by_the_name_of_the_first_as_soon_as_that_is_heard_of(uri, hold, gcs):
    holder = hold()
    started = time.monotonic()
    who = watch(lease(uri))
    assert f"process {holder.pid} (ticketsim stream, since " in str(who)
    assert time.monotonic() - started < PACE.expires_after_s
    assert str(lease_holder(gcs.uri("lake"))) == str(who)


def test_the_refusal_names_lake_and_holder(uri, hold, gcs, monkeypatch):
    holder = hold()
    monkeypatch.setattr("streaming.locks.gcs_lease.PACE", PACE)
    with pytest.raises(LeaseHeld, match=rf"lake {gcs.uri('lake')} is being written by process {holder.pid} "):
        create_lease(gcs.uri("lake"), "ticketsim stream").require_free(threading.Event())


def test_of_many_who_find_it_free_at_the_same_time_one_gets_it(uri):
    contenders = [lease(uri) for _ in range(8)]
    assert [watch(each) for each in contenders] == [None] * 8
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
    assert watch(first) is None
    assert time.monotonic() - killed > PACE.gives_up_s
    assert watch(second) is None
    assert first.take(lambda: None)
    assert not second.take(lambda: None)
    first.release()
    hold_in_this_process(uri).release()


def test_a_lease_that_was_not_watched_for_as_long_as_its_holder_may_live_is_not_taken(uri, hold):
    holder = hold()
    holder.kill()
    holder.wait()
    early = lease(uri)
    assert watch(early, PACE.heard_of_s) is None
    assert not early.take(lambda: None)
    assert watch(early) is None
    assert early.take(lambda: None)
    early.release()


def test_a_holder_that_renews_it_once_while_nobody_looks_is_known_at_the_next_look(uri, gcs):
    """Between two looks Spark is started, which takes as long as it takes."""
    stored = gcs.emulator.client().bucket(gcs.name).blob(f"lake/{LEASE_FILE}")
    about = {"pid": 7, "holder": "ticketsim stream", "since": "noon", "host": "elsewhere", "token": "another"}
    stored.upload_from_string(json.dumps(about))
    waiting = lease(uri)
    assert watch(waiting, PACE.heard_of_s) is None
    stored.upload_from_string(json.dumps(about))
    time.sleep(PACE.expires_after_s)
    assert str(watch(waiting)) == "process 7 (ticketsim stream, since noon) on elsewhere"
    assert not waiting.take(lambda: None)


def test_who_is_stopped_while_it_watches_ends_at_once_and_takes_nothing(uri, hold):
    holder = hold()
    os.kill(holder.pid, signal.SIGSTOP)
    stop, waiting = threading.Event(), lease(uri)
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()
    assert waiting.watch(stop, 60) is None
    assert time.monotonic() - began < 30
    assert not waiting.take(lambda: None)


def test_a_holder_that_slept_while_another_took_over_stops_as_soon_as_it_wakes(uri, hold):
    sleeper = hold()
    os.kill(sleeper.pid, signal.SIGSTOP)
    other = hold_in_this_process(uri)
    os.kill(sleeper.pid, signal.SIGCONT)
    assert sleeper.stdout.readline().startswith("lost ")
    time.sleep(3 * PACE.heartbeat_s)
    assert other.lost is None, "the one that lost it must not write it any more"
    other.release()


def test_a_holder_whose_lease_was_taken_names_the_one_who_has_it(uri, gcs):
    lost = threading.Event()
    mine = hold_in_this_process(uri, lost.set)
    taken = {"pid": 7, "holder": "ticketsim stream", "since": "noon", "host": "elsewhere", "token": "another"}
    gcs.emulator.client().bucket(gcs.name).blob(f"lake/{LEASE_FILE}").upload_from_string(json.dumps(taken))
    assert lost.wait(5)
    assert mine.lost == "process 7 (ticketsim stream, since noon) on elsewhere has taken it over"
    mine.release()
    assert gcs.names(f"lake/{LEASE_FILE}"), "it is the other one's to remove"


def test_a_holder_that_cannot_reach_the_bucket_gives_up_before_others_may_take_over(uri, monkeypatch):
    lost = threading.Event()
    mine = hold_in_this_process(uri, lost.set)

    def away(*_, **__):
        raise ConnectionError("the network is away")

    monkeypatch.setattr(mine._object, "replace", away)
    began = time.monotonic()
    assert lost.wait(5)
    assert time.monotonic() - began < PACE.expires_after_s
    assert "not renewed for 1 s (the network is away)" in (mine.lost or "")


def test_a_renewal_of_which_only_the_answer_was_lost_is_none_that_was_refused(uri, monkeypatch):
    mine = hold_in_this_process(uri)
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
    hold_in_this_process(uri).release()


def test_a_lease_that_was_left_behind_is_nobody_s_for_those_who_only_look(uri, hold):
    holder = hold()
    assert present_holder(uri, PACE.expires_after_s) is not None
    holder.kill()
    time.sleep(PACE.expires_after_s + 0.2)
    assert present_holder(uri, PACE.expires_after_s) is None


def test_a_bucket_that_is_not_there_and_one_that_does_not_answer_are_named(gcs, free_port, monkeypatch):
    nowhere = create_lease("gs://no-such-bucket/lake", "ticketsim stream")
    nowhere.require_free(threading.Event())
    with pytest.raises(BucketUnreachable, match="gs://no-such-bucket/lake cannot be reached"), nowhere.held(None):
        pass
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr("streaming.locks.gcs_lease._READING", None)
    with pytest.raises(BucketUnreachable, match="Connection refused"):
        create_lease(gcs.uri("lake"), "ticketsim stream").require_free(threading.Event())
