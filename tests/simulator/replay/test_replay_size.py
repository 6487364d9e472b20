import json
import subprocess
import sys

SCAN_KINDS = ("WALK_TO_SCANNER", "WAIT_IN_SCANNER_LINE", "SCAN_TICKETS")

#: Replays a file to nowhere and prints the most memory that its process has ever held, KiB.
REPLAY = """
import resource, sys
from pathlib import Path
from simulator.replay import open_event_log, plan_replay, replay

class Nowhere:
    def send(self, topic, key, value): pass
    def poll(self): pass
    def flush(self): pass

with open_event_log(Path(sys.argv[1])) as log:
    summary = replay(log, plan_replay(log), Nowhere())
assert summary.total > 0.99 * int(sys.argv[2])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_log(tmp_path):
    # Both are larger than what the database keeps in memory. Held in memory, the 20 MB more of the larger file would
    # be far more than 20 MB.
    small, large = (memory_for(tmp_path, events) for events in (100_000, 300_000))

    assert large - small < 10_000


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
    """Buses of a hundred, everybody scanned a little later, in an order that has to be sorted."""
    with path.open("w") as stream:
        stream.write('{"sellerLines": 6, "scannerLines": 4, "events": [')
        for bus in range(events // 301):
            people = range(bus * 100, bus * 100 + 100)
            stream.write(", " if bus else "")
            json.dump({"event": "BUS_ARRIVAL", "time": bus * 3, "busId": bus, "peopleCreated": list(people)}, stream)
            for person in people:
                time = bus * 3
                for kind in SCAN_KINDS:
                    duration = round(person * 7919 % 400 / 100, 2)
                    event = {"event": kind, "person": person, "scannerLine": 1, "time": time, "duration": duration}
                    stream.write(", ")
                    json.dump(event, stream)
                    time = round(time + duration, 2)
        stream.write("]}")
