"""Random walks for as long as one likes; not collected by `make test`, run by `make soak`."""

import os
import random
import time

import pytest

from .walk import walk_at_random

pytestmark = pytest.mark.slow

#: Steps of a walk between its begin and its arrival.
_STEPS = 10


@pytest.mark.timeout(0)
def test_soak(surroundings):
    deadline = time.monotonic() + 60 * float(os.environ.get("SOAK_MINUTES", "20"))
    seed = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
    walks = 0
    while not walks or time.monotonic() < deadline:
        walks += 1
        print(f"\nwalk {walks}, seed {seed} (`make soak SEED={seed}` begins with this walk):", flush=True)
        walk_at_random(surroundings, seed, steps=_STEPS, shrink=True)
        print(f"  holds after {walks} walks", flush=True)
        seed = random.SystemRandom().randrange(1_000_000)
