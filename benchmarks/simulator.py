"""How fast the simulator is beside SimPy itself: ``python -m benchmarks.simulator``.

Both are measured in turns in one process, in seconds of its CPU, and the fastest turn of each counts: other work on the
machine makes both slower, but not by the same.
"""

from collections.abc import Generator
from time import process_time
from typing import Any, Final

import simpy

from simulator.run import plan_run, simulate
from simulator.scenario import load_scenario

TURNS: Final = 5
TIMEOUTS: Final = 400_000
HOURS: Final = 48
TARGET: Final = 0.25


class Discard:
    """A sink that takes encoded messages and does nothing with them."""

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        """Take one message."""

    def poll(self) -> None:
        """Nothing is kept back."""

    def flush(self) -> None:
        """Nothing is kept back."""


def timeouts_per_second() -> float:
    """SimPy alone: one process that does nothing but wait."""

    def waiting(env: simpy.Environment) -> Generator[simpy.Event, Any, None]:
        for _ in range(TIMEOUTS):
            yield env.timeout(1)

    env = simpy.Environment()
    env.process(waiting(env))
    began = process_time()
    env.run()
    return TIMEOUTS / (process_time() - began)


def events_per_second() -> float:
    """The scenario `original`, to encoded bytes."""
    run = plan_run(load_scenario("original"), hours=HOURS)
    began = process_time()
    summary = simulate(run, Discard())
    return summary.total / (process_time() - began)


def main() -> None:
    """Measure and print."""
    turns = [(timeouts_per_second(), events_per_second()) for _ in range(TURNS)]
    bare, ours = max(bare for bare, _ in turns), max(ours for _, ours in turns)
    print(f"bare SimPy              {bare:>12,.0f} timeouts/s")
    print(f"ours, encoded           {ours:>12,.0f} events/s")
    print(f"ratio                   {ours / bare:>12.3f} (target {TARGET})")


if __name__ == "__main__":
    main()
