import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

#: Replays a file to nowhere and prints the most memory that its process held, bytes. (The system's own record of that
#: begins with the memory of the process that started it.)
REPLAY = """
import sys, threading, time
from pathlib import Path
import psutil
from simulator.replay import open_event_log, plan_replay, replay

class Nowhere:
    def send(self, topic, key, value): pass
    def poll(self): pass
    def flush(self): pass

held = []

def watch():
    while True:
        held.append(psutil.Process().memory_info().rss)
        time.sleep(0.01)

threading.Thread(target=watch, daemon=True).start()
with open_event_log(Path(sys.argv[1])) as log:
    summary = replay(log, plan_replay(log), Nowhere())
assert summary.total > int(sys.argv[2])
print(max(held))
"""


def test_memory_does_not_grow_with_the_log(tmp_path):
    small, large = (memory_for(tmp_path, events) for events in (100_000, 300_000))

    assert large < small * 1.1


def memory_for(folder, events):
    path = folder / f"{events}.json"
    write_log(path, events)
    done = subprocess.run(
        [sys.executable, "-c", REPLAY, str(path), str(events)], capture_output=True, text=True, check=False, timeout=300
    )
    path.unlink()
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def write_log(path, events):
    """Buses of a hundred; the first forty buy in pairs, everybody is scanned, in an order that has to be sorted."""
    with path.open("w") as stream:
        stream.write('{"sellerLines": 6, "scannerLines": 4, "events": [')
        for bus in range(events // 361 + 1):
            people = list(range(bus * 100, bus * 100 + 100))
            minute = bus * 3
            stream.write(", " if bus else "")
            json.dump({"event": "BUS_ARRIVAL", "time": minute, "busId": bus, "peopleCreated": people}, stream)
            set_off = dict.fromkeys(people, minute)
            for first in people[:40:2]:
                who = {"people": [first, first + 1], "sellerLine": 1}
                bought = write_way(stream, ("WALK_TO_SELLER", "WAIT_IN_SELLER_LINE", "BUY_TICKETS"), who, minute, first)
                set_off[first] = set_off[first + 1] = bought
            for person in people:
                who = {"person": person, "scannerLine": 1}
                way = ("WALK_TO_SCANNER", "WAIT_IN_SCANNER_LINE", "SCAN_TICKETS")
                write_way(stream, way, who, set_off[person], person)
        stream.write("]}")


def write_way(stream, kinds, who, time, seed):
    for kind in kinds:
        duration = round(seed * 7919 % 400 / 100, 2)
        stream.write(", ")
        json.dump({"event": kind, **who, "time": round(time, 2), "duration": duration}, stream)
        time += duration
    return time
