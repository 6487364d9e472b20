"""Kills by random schedules for as long as one likes; not collected by `make test`, run by `make soak`."""

import os
import random
import time

import pytest
from harness.aims import first_kills
from harness.kills import Killer
from harness.source import sending
from harness.stream import Stream
from harness.truth import require_truth

pytestmark = pytest.mark.slow

#: Kills of a round, after which everything is compared.
_KILLS = 10


@pytest.mark.timeout(0)
def test_soak(topics, broker, tmp_path):
    deadline = time.monotonic() + 60 * float(os.environ.get("SOAK_MINUTES", "20"))
    seed = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
    stream = Stream.below(tmp_path, topics)
    sent, kills, rounds = [], 0, 0
    try:
        while not sent or time.monotonic() < deadline:
            rounds += 1
            schedule = first_kills(seed, _KILLS)
            print(f"\nround {rounds}, seed {seed} (`make soak SEED={seed}` begins with this round): ", flush=True)
            for number, kill in enumerate(schedule, start=1):
                print(f"  {number}. {kill}", flush=True)
            killer = Killer(stream, broker)
            with sending(topics, seed=seed, name=f"soak-{kills}") as summaries:
                killer.carry_out(schedule, until=deadline)
            killer.finish()
            sent += summaries
            require_truth(stream, sent)
            kills += killer.carried_out
            rows = sum(each.total for each in sent)
            print(f"  holds after {kills} kills: {rows} messages in the lake once, equal to their receipts", flush=True)
            seed = random.SystemRandom().randrange(1_000_000)
    finally:
        stream.end_all()
