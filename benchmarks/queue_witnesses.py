# /// script
# requires-python = ">=3.11"
# dependencies = ["ciw==3.2.7", "pyworkforce==0.5.1"]
# ///
"""What others make of queues, asked for by ``benchmarks.witnesses``: ``uv run --script benchmarks/queue_witnesses.py``.

Reads one JSON object from standard input and writes one. It runs in an environment of its own, because Ciw's wheel
installs a package named ``tests``, which would hide ours.
"""

import json
import sys
from time import process_time
from typing import Any

import ciw
from pyworkforce.queuing import ErlangC


def mean_waits(queue: dict[str, Any]) -> dict[str, Any]:
    """Simulate a queue in Ciw; return the mean wait of each replication, minutes, and the CPU seconds of all."""
    began = process_time()
    waits = [_mean_wait(queue, seed) for seed in range(queue["replications"])]
    return {"waits": waits, "cpu_s": process_time() - began}


def _mean_wait(queue: dict[str, Any], seed: int) -> float:
    kind = ciw.dists.Deterministic if queue["constant"] else ciw.dists.Exponential
    serving = kind(queue["service"] if queue["constant"] else 1 / queue["service"])
    network = _lines(queue, serving) if queue["lines"] > 1 else _one_line(queue, serving)
    ciw.seed(seed)
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(queue["minutes"])
    records = [each for each in simulation.get_all_records() if queue["lines"] == 1 or each.node > 1]
    waits = [each.waiting_time for each in records if each.arrival_date >= queue["warm_up"]]
    return float(sum(waits) / len(waits))


def _one_line(queue: dict[str, Any], serving: Any) -> Any:
    return ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(queue["rate"])],
        service_distributions=[serving],
        number_of_servers=[queue["servers"]],
    )


def _lines(queue: dict[str, Any], serving: Any) -> Any:
    """Return a network whose first node sends everybody to the line with the fewest, whoever is served included.

    Ciw's ``JoinShortestQueue`` counts those who wait alone; its ``LoadBalancing`` has our rule.
    """
    lines = queue["lines"]
    return ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(queue["rate"]), *[None] * lines],
        service_distributions=[ciw.dists.Deterministic(0), *[serving] * lines],
        number_of_servers=[float("inf"), *[1] * lines],
        routing=ciw.routing.NetworkRouting(
            routers=[ciw.routing.LoadBalancing(list(range(2, lines + 2))), *(ciw.routing.Leave() for _ in range(lines))]
        ),
    )


def servers_needed(target: dict[str, Any]) -> int:
    """Return how many servers pyworkforce finds for a target, by Erlang's C formula."""
    erlang = ErlangC(transactions=target["rate"] * 60, aht=target["service"], asa=target["wait"], interval=60)
    return int(erlang.required_positions(target["share"])["raw_positions"])


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    answers = {
        "queues": [mean_waits(queue) for queue in asked["queues"]],
        "targets": [servers_needed(target) for target in asked["targets"]],
    }
    json.dump(answers, sys.stdout)
