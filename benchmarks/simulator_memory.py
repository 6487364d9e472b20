"""The benchmark of the simulator's memory, which should not grow with time: ``python -m benchmarks.simulator_memory``.

One run of a year in this process, its messages encoded and discarded. The peak is the system's record of the process,
so it can only rise: the measure is how much it rises after the first month.
"""

import sys
from resource import RUSAGE_SELF, getrusage
from typing import Final

import typer

from benchmarks.simulator import Discard
from simulator.engine import EngineName
from simulator.run import Progress, plan_run, simulate
from simulator.scenario import load_scenario

MONTH_HOURS: Final = 30 * 24
YEAR_HOURS: Final = 365 * 24

#: More would be growth.
MOST: Final = 1.05


def peak_mib() -> float:
    """Return the peak resident memory of this process."""
    return getrusage(RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main(
    scenario: str = "stable", hours: int = YEAR_HOURS, part: int = MONTH_HOURS, engine: EngineName = "simpy"
) -> None:
    """Measure and print.

    Args:
        scenario: A scenario whose queues are stable.
        hours: Length of the run.
        part: Hours after which the peak is read first.
        engine: Engine of the run.
    """
    run = plan_run(load_scenario(scenario), hours=hours)
    after_part: list[tuple[int, float]] = []

    def look(progress: Progress) -> None:
        if not after_part and progress.fraction is not None and progress.fraction * hours >= part:
            after_part.append((progress.events, peak_mib()))

    summary = simulate(run, Discard(), look, engine=engine)
    [(events, before)] = after_part
    after = peak_mib()
    print(f"peak after {part:>5} hours  {before:>8.1f} MiB  {events:>12,} events")
    print(f"peak after {hours:>5} hours  {after:>8.1f} MiB  {summary.total:>12,} events")
    print(f"ratio  {after / before:.3f} (at most {MOST:g}: {'met' if after / before <= MOST else 'missed'})")


if __name__ == "__main__":
    typer.run(main)
