"""Walks over everything that may happen to a pipeline: whatever it was, at the end every figure is what was produced.

`make soak` goes on random ones for as long as one likes. What it prints can be added here.
"""

import pytest

from .walk import Walk, walk_at_random

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def walk(surroundings):
    taken = Walk(surroundings)
    yield taken
    taken.close()


def test_a_stream_that_is_paused_cut_off_and_killed_while_the_lake_is_maintained(walk):
    walk.begin(seed=1, home="new")
    walk.pause_stream(seconds=1)
    walk.disturb_network(network="slow", seconds=1)
    walk.disturb_network(network="stalled", seconds=1)
    walk.disturb_network(network="cut", seconds=1)
    walk.compact()
    walk.jump_clock(hours=6)
    walk.kill_stream(moment="write", victim="jvm", delay_ms=0, lost=("commits", "sources"))
    walk.vacuum()
    walk.arrive()


def test_an_upgraded_home_that_loses_topics_and_checkpoint_and_whose_loads_are_killed(walk):
    walk.begin(seed=2, home="of the previous release")
    walk.send(faults="duplicates=0.05,late=0.05:40m,reorder=0.1,corrupt=0.02", minutes=45)
    walk.lose_checkpoint(parts=("commits", "metadata", "offsets", "sources"))
    walk.restart_broker(killed=False)
    walk.recreate_topic(topic="ticketsim.scan_tickets", unread=True)
    walk.kill_materialization(killed="dagster at the load")
    walk.send_by_a_slow_clock(topic="ticketsim.buy_tickets")
    walk.catch_up()
    walk.reprocess_quarantine()
    walk.backfill()
    walk.arrive()


def test_a_random_walk(surroundings, chaos_seed):
    print(f"CHAOS_SEED={chaos_seed}")
    walk_at_random(surroundings, chaos_seed, steps=4)
