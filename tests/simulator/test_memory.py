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

DAYS = int(sys.argv[3])
held = []

def look(progress):
    if progress.fraction >= len(held) / DAYS:
        held.append(psutil.Process().memory_info().rss)

if sys.argv[2] == "fast":
    # Otherwise the visitors of several days are drawn at once.
    from simulator.fast import engine as fast
    fast._VISITORS_AHEAD = 1000

simulate(plan_run(load_scenario("stable"), hours=24 * DAYS), Sink(), look, engine=sys.argv[2])
print(held[-1] / held[1])
"""

#: A day is some 170 thousand events: 16 bytes for each of them would be more than this. The compiler of the fast engine
#: takes three times the memory of everything else.
MOST = 1.1
DAYS = {"simpy": 5, "fast": 20}


def growth(kind, engine):
    command = [sys.executable, "-c", GROWTH, kind, engine, str(DAYS[engine])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    return float(done.stdout)


@pytest.mark.parametrize("engine", ["simpy", "fast"])
def test_memory_does_not_grow_with_the_time_that_is_simulated(engine):
    assert growth("as it is", engine) < MOST


@pytest.mark.parametrize("engine", ["simpy", "fast"])
def test_the_same_measurement_sees_a_leak(engine):
    assert growth("leaks", engine) > MOST


def test_a_thousand_venues_fit_into_less_than_a_gigabyte():
    run = "simulate(plan_run(load_scenario('original'), hours=0.1, venues=1000), Sink(), engine='fast')"
    code = f"{GROWTH.partition('DAYS = ')[0]}\n{run}\nprint(psutil.Process().memory_info().rss)"
    done = subprocess.run(
        [sys.executable, "-c", code, "as it is"], capture_output=True, text=True, timeout=300, check=True
    )
    assert float(done.stdout) < 0.8e9
