"""Mean waits against exact theory, by the recursion that gives the model's own waits (test_recursion.py).

``pytest -m nightly -rP tests/simulator/test_exact_waits.py`` prints the table of docs/validation.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import ceil

import pytest

from simulator.distributions import MINUTE_US, Exponential, Normal
from simulator.planning.demand import Stage
from simulator.planning.replication import Replication, observe_stage
from simulator.planning.statistics import Interval, mean, mean_interval
from simulator.scenario import Scenario

from .queueing_theory import batch_wait, crommelin_wait, erlang_wait, pollaczek_khinchine, shortest_line_wait
from .single_visitors import single_visitors

#: Arrivals a minute.
RATE = 4.0

#: The part of a replication that is left out, in which lines grow from nothing.
WARM_UP = 0.1

#: Each queue has visitors of its own, so that a crowd that is rarely small or large is one row's luck.
FIRST_SEED = 100

#: Of the normal distribution: 99.9 % and 95 %. Replications are many, so t is no wider.
Z_999, Z_95 = 3.29, 1.96


@dataclass(frozen=True)
class Queue:
    """A venue of which one stage is a queue that theory solves."""

    name: str
    venue: Scenario
    exact: Callable[[], float]  #: mean wait, minutes
    stage: Stage = "sellers"


def venue(**changes) -> Scenario:
    """Single visitors for whom scanning takes next to nothing."""
    return single_visitors(1 / RATE, **({"scan_minutes": Normal(0.001, 0)} | changes))


def markovian(servers: int, load: float, **changes) -> Scenario:
    return venue(sellers=servers, sale_minutes=Exponential(load * servers / RATE), **changes)


def erlang(servers: int, load: float) -> Queue:
    return Queue(f"M/M/{servers}, load {load}", markovian(servers, load), partial(erlang_wait, servers, RATE, load))


def behind(servers: int, load: float) -> Queue:
    """What leaves M/M/c is a Poisson process again (Burke's theorem)."""
    scan = Exponential(load * servers / RATE)
    return Queue(
        f"M/M/{servers}, load {load}, scanners behind M/M/3",
        markovian(3, 0.6, scanners=servers, scan_minutes=scan),
        partial(erlang_wait, servers, RATE, load),
        "scanners",
    )


def constant(servers: int, load: float) -> Queue:
    service = Normal(load * servers / RATE, 0)
    return Queue(
        f"M/D/{servers}, load {load}",
        venue(sellers=servers, sale_minutes=service),
        partial(crommelin_wait, servers, RATE, load),
    )


def normal(load: float, variation: float) -> Queue:
    service = load / RATE
    return Queue(
        f"M/G/1, load {load}, variation {variation}",
        venue(sellers=1, sale_minutes=Normal(service, variation * service)),
        partial(pollaczek_khinchine, load, service, variation),
    )


def batches(size: int, load: float) -> Queue:
    buses = RATE / size
    return Queue(
        f"M/M/1 with buses of {size}, load {load}",
        venue(
            minutes_between_buses=Exponential(1 / buses),
            bus_occupancy=Normal(size, 0),
            sellers=1,
            sale_minutes=Exponential(load / RATE),
        ),
        partial(batch_wait, size, buses, load),
    )


def shortest(lines: int, load: float, longest: int) -> Queue:
    return Queue(
        f"{lines} lines, shortest joined, load {load}",
        markovian(lines, load, one_line=False),
        partial(shortest_line_wait, lines, RATE, load, longest),
    )


QUEUES = [
    *(erlang(*each) for each in [(1, 0.5), (1, 0.8), (2, 0.9), (3, 0.7), (5, 0.8), (10, 0.9), (20, 0.9), (50, 0.95)]),
    *(behind(*each) for each in [(2, 0.8), (4, 0.7)]),
    *(constant(*each) for each in [(1, 0.8), (2, 0.8), (5, 0.9), (10, 0.9)]),
    *(normal(*each) for each in [(0.8, 0.2), (0.8, 0.3)]),
    *(shortest(*each) for each in [(2, 0.8, 60), (2, 0.9, 70), (3, 0.8, 22)]),
    *(batches(*each) for each in [(5, 0.7), (20, 0.8)]),
]

EACH_QUEUE = pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue.name)


def mean_waits(queue: Queue, numbers: range, minutes: float) -> list[float]:
    """The mean wait of each replication with these numbers, minutes, after the warm-up."""
    found, seed = [], FIRST_SEED + QUEUES.index(queue)
    for number in numbers:
        waits = observe_stage(queue.stage, Replication(queue.venue, seed, number, round(minutes * MINUTE_US)))
        found.append(mean(waits.arrived_from(round(WARM_UP * minutes * MINUTE_US))) / MINUTE_US)
    return found


def half_width(interval: Interval) -> float:
    return (interval.high - interval.low) / 2


@EACH_QUEUE
def test_the_mean_wait_is_that_of_theory(queue):
    interval = mean_interval(mean_waits(queue, range(1, 31), minutes=600))
    assert abs(interval.estimate - queue.exact()) < Z_999 / Z_95 * half_width(interval)
    assert half_width(interval) < 0.6 * queue.exact()


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@EACH_QUEUE
def test_the_mean_wait_is_that_of_theory_within_two_percent(queue):
    exact, pilot = queue.exact(), 40
    # Waits are skewed: going on until the interval is short would stop early where no crush has come yet, too low.
    half = half_width(mean_interval(mean_waits(queue, range(1, pilot + 1), minutes=10_000)))
    replications = max(pilot, ceil(pilot * (half / (0.018 * exact)) ** 2))
    interval = mean_interval(mean_waits(queue, range(pilot + 1, pilot + 1 + replications), minutes=10_000))
    print(f"| {queue.name} | {exact:.5f} | {interval.estimate:.5f} | {100 * half_width(interval) / exact:.1f} % |")
    assert abs(interval.estimate - exact) < Z_999 / Z_95 * half_width(interval)
    assert half_width(interval) < 0.03 * exact


def test_a_wrong_theory_is_told_apart():
    """The check can fail: 3 % off is seen where the half width is below 1 %."""
    queue = QUEUES[0]
    interval = mean_interval(mean_waits(queue, range(1, 31), minutes=10_000))
    assert abs(interval.estimate - 1.05 * queue.exact()) > Z_999 / Z_95 * half_width(interval)
