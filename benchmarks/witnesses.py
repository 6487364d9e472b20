"""Our waits and plans beside what others make of the same queues: ``python -m benchmarks.witnesses``.

Ciw simulates, pyworkforce calculates by Erlang's C formula (``queue_witnesses.py``, in an environment of its own, which
uv makes). Queues are those of the tests against theory (tests/simulator/test_exact_waits.py), with as many replications
of the same length for both simulations. Printed are the exact mean wait, both others' with a 95 % interval, and CPU.
"""

import json
import subprocess
import sys
from pathlib import Path
from time import process_time
from typing import Any, Final

import typer

from benchmarks.target import print_ratio
from simulator.planning.search import find_plan
from simulator.planning.statistics import Interval, mean_interval
from simulator.planning.target import checked_target
from tests.simulator.test_exact_waits import QUEUES, RATE, WARM_UP, Queue, markovian, mean_waits

REPLICATIONS: Final = 16
MINUTES: Final = 1_500.0

#: By the names of ``QUEUES``: servers, lines and load.
ASKED: Final = {
    "M/M/1, load 0.8": (1, 1, 0.8),
    "M/M/3, load 0.7": (3, 1, 0.7),
    "M/M/5, load 0.8": (5, 1, 0.8),
    "M/D/2, load 0.8": (2, 1, 0.8),
    "2 lines, shortest joined, load 0.8": (2, 2, 0.8),
    "3 lines, shortest joined, load 0.8": (3, 3, 0.8),
}

#: Target waits in seconds, of visitors who come alone and buy for a minute each.
TARGETS_S: Final = (15, 30, 60, 90, 120, 300)
PERCENT: Final = 95


def main() -> None:
    """Measure and print."""
    queues = [queue for queue in QUEUES if queue.name in ASKED]
    witnesses = _witnesses(queues)
    ours_s = 0.0
    for queue, witness in zip(queues, witnesses["queues"], strict=True):
        began = process_time()
        ours = mean_interval(mean_waits(queue, range(1, REPLICATIONS + 1), MINUTES))
        ours_s += process_time() - began
        theirs = mean_interval(witness["waits"])
        print(f"{queue.name:<36} {queue.exact():.4f}  ours {spoken(ours)}  Ciw {spoken(theirs)}", flush=True)
    print_ratio("CPU, Ciw / ours", sum(each["cpu_s"] for each in witnesses["queues"]) / ours_s, 1)
    for wait_s, servers in zip(TARGETS_S, witnesses["targets"], strict=True):
        plan = find_plan(markovian(4, 1.0), checked_target(wait_s, PERCENT))
        needed = " or ".join(map(str, plan.either["sellers"]))
        print(f"{PERCENT} % within {wait_s:>3} s: ours {needed} sellers, pyworkforce {servers}", flush=True)


def _witnesses(queues: list[Queue]) -> dict[str, Any]:
    asked = {
        "queues": [_described(queue) for queue in queues],
        "targets": [
            {"rate": RATE, "service": 1.0, "wait": wait_s / 60, "share": PERCENT / 100} for wait_s in TARGETS_S
        ],
    }
    uv = Path(sys.executable).with_name("uv")
    script = Path(__file__).with_name("queue_witnesses.py")
    command = [uv, "run", "--quiet", "--python", sys.executable, "--script", script]
    answer = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=True).stdout
    found: dict[str, Any] = json.loads(answer)
    return found


def _described(queue: Queue) -> dict[str, Any]:
    servers, lines, load = ASKED[queue.name]
    return {
        "rate": RATE,
        "servers": servers,
        "lines": lines,
        "service": load * servers / RATE,
        "constant": queue.name.startswith("M/D"),
        "replications": REPLICATIONS,
        "minutes": MINUTES,
        "warm_up": WARM_UP * MINUTES,
    }


def spoken(interval: Interval) -> str:
    """Return a mean and half the width of its interval."""
    return f"{interval.estimate:.4f} ± {(interval.high - interval.low) / 2:.4f}"


if __name__ == "__main__":
    typer.run(main)
