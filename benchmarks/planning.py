"""The benchmark of the planner, in one process on one core: ``python -m benchmarks.planning``.

The same plans are found twice in turn: with waits by recursion, and with waits by the SimPy model, replication by
replication. Both are measured in CPU seconds of the process, and the plans must be equal.
"""

from time import process_time
from typing import Final
from unittest.mock import patch

import typer

from benchmarks.target import print_ratio
from simulator.planning.demand import Stage, demand_of
from simulator.planning.replication import Replication, Waits, observe_events
from simulator.planning.search import Plan, find_plan
from simulator.planning.target import checked_target
from simulator.scenario import load_scenario

#: Scenario, target wait in seconds, and percentile.
PLANS: Final = (("original", 300, 95), ("six-sellers-four-scanners-one-line", 300, 95))

OF_SIMPY: Final = 6


def by_events(stage: Stage, replication: Replication) -> Waits:
    """Return the waits at a stage, from a simulation of every event."""
    waits: Waits = getattr(observe_events(replication), stage)
    return waits


def timed(name: str, wait_s: float, percentile: float) -> tuple[float, Plan]:
    """Return the CPU seconds that a plan takes, and the plan."""
    began = process_time()
    plan = find_plan(load_scenario(name), checked_target(wait_s, percentile))
    return process_time() - began, plan


def main() -> None:
    """Measure and print."""
    demand_of(load_scenario("original"), 7)  # loads what is loaded once
    totals = [0.0, 0.0]
    for name, wait_s, percentile in PLANS:
        recursion, plan = timed(name, wait_s, percentile)
        with patch("simulator.planning.trial.observe_stage", by_events):
            events, same = timed(name, wait_s, percentile)
        if plan != same:
            raise RuntimeError(f"{name}: the plans differ")
        totals = [totals[0] + recursion, totals[1] + events]
        answer = f"{plan.sellers} sellers, {plan.scanners} scanners"
        print(
            f"{name}, {wait_s} s, {percentile} %: {answer}; {recursion:.2f} s by recursion, {events:.2f} s by SimPy",
            flush=True,
        )
    print_ratio("by SimPy / by recursion", totals[1] / totals[0], OF_SIMPY)


if __name__ == "__main__":
    typer.run(main)
