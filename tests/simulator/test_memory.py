import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

#: Simulates for days, and prints by how much the process's memory has grown since the first of them, as a ratio.
GROWTH = """
import sys
import psutil
from simulator.run import plan_run, simulate
from simulator.scenario import load_scenario

class Sink:
    kept = []
    def send(self, topic, key, value):
        if sys.argv[1] == "leaks" and topic.endswith("wait_in_seller_line"):
            self.kept.append(value)
    def poll(self): pass
    def flush(self): pass

DAYS = 5
held = []

def look(progress):
    if progress.fraction >= len(held) / DAYS:
        held.append(psutil.Process().memory_info().rss)

simulate(plan_run(load_scenario("stable"), hours=24 * DAYS), Sink(), look)
print(held[-1] / held[1])
"""

#: Five days are some 850 thousand events: 16 bytes for each of them would be more than this.
MOST = 1.1


def growth(kind):
    done = subprocess.run([sys.executable, "-c", GROWTH, kind], capture_output=True, text=True, timeout=300, check=True)
    return float(done.stdout)


def test_memory_does_not_grow_with_the_time_that_is_simulated():
    assert growth("as it is") < MOST


def test_the_same_measurement_sees_a_leak():
    assert growth("leaks") > MOST
