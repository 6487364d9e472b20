"""Exact mean waits of queues, to compare the simulation with. Rates are per minute, waits minutes.

Sources: [1] L. Kleinrock: Queueing Systems I, Wiley 1975. [2] C. D. Crommelin: Delay probability formulae when the
holding times are constant. Post Office Electrical Engineers' Journal 25, 1932. [3] M. L. Chaudhry, J. G. C. Templeton:
A First Course in Bulk Queues, Wiley 1983.
"""

from itertools import combinations_with_replacement
from math import log

import numpy as np


def probability_of_waiting(servers: int, offered: float) -> float:
    """Erlang's C formula [1], by the recursion of his B formula, which does not overflow.

    Args:
        servers: Number of servers.
        offered: Arrivals during a mean service, below ``servers``.
    """
    blocked = 1.0
    for k in range(1, servers + 1):
        blocked = offered * blocked / (k + offered * blocked)
    return blocked / (1 - offered / servers * (1 - blocked))


def erlang_wait(servers: int, arrivals: float, load: float) -> float:
    """Mean wait of M/M/c at the utilisation ``load``."""
    return probability_of_waiting(servers, load * servers) * load / arrivals / (1 - load)


def erlang_percentile(servers: int, percent: float, offered: float, service: float = 1.0) -> float:
    """The wait that ``percent`` percent do not exceed, in M/M/c with a mean ``service``."""
    waiting = probability_of_waiting(servers, offered)
    return max(0.0, service * log(waiting / (1 - percent / 100)) / (servers - offered))


def pollaczek_khinchine(load: float, service: float, variation: float) -> float:
    """Mean wait of M/G/1 [1]; ``variation`` is the coefficient of variation of a service of mean ``service``."""
    return load / (1 - load) * service * (1 + variation**2) / 2


def crommelin_wait(servers: int, arrivals: float, load: float) -> float:
    """Mean wait of M/D/c [2]: who is served now is gone one service later, and nobody who comes meanwhile is.

    So the number inside, one service later, is what waits now and who has come; its distribution is solved for.
    """
    service = load * servers / arrivals
    states = servers + round(40 / (1 - load))
    came = np.zeros(states)
    came[0] = np.exp(-arrivals * service)
    for k in range(1, states):
        came[k] = came[k - 1] * arrivals * service / k
    step = np.zeros((states, states))
    for inside in range(states):
        left = max(0, inside - servers)
        step[inside, left:] = came[: states - left]
        step[inside, -1] += 1 - step[inside].sum()
    waiting = np.maximum(np.arange(states) - servers, 0)
    return float(_stationary(step) @ waiting / arrivals)


def batch_wait(batch: int, arrivals: float, load: float) -> float:
    """Mean wait of M^[X]/M/1 [3] for batches of one size; ``arrivals`` are batches."""
    inside = load * (1 + batch) / (2 * (1 - load))
    return inside / (arrivals * batch) - load / (arrivals * batch)


def shortest_line_wait(lines: int, arrivals: float, load: float, longest: int) -> float:
    """Mean wait where the shortest of several lines, whoever is served included, is joined: the Markov chain, cut off.

    Args:
        lines: Number of lines, each with a server of exponential services.
        arrivals: Rate of single visitors.
        load: Utilisation.
        longest: Length from which lines grow no more; the probability of such a length must be negligible.
    """
    rate = arrivals / load / lines
    states = [tuple(sorted(state)) for state in combinations_with_replacement(range(longest + 1), lines)]
    place = {state: number for number, state in enumerate(states)}
    pace = arrivals + lines * rate
    step = np.zeros((len(states), len(states)))
    for number, state in enumerate(states):
        joined = (min(state[0] + 1, longest), *state[1:])
        step[number, place[tuple(sorted(joined))]] += arrivals / pace
        for line, length in enumerate(state):
            served = (*state[:line], max(0, length - 1), *state[line + 1 :])
            step[number, place[tuple(sorted(served))]] += rate / pace
    inside = _stationary(step) @ np.array([sum(state) for state in states])
    return float(inside / arrivals - 1 / rate)


def _stationary(step: np.ndarray) -> np.ndarray:
    """The distribution that a step of the chain leaves as it is."""
    equations = step.T - np.eye(len(step))
    equations[-1] = 1
    right = np.zeros(len(step))
    right[-1] = 1
    return np.linalg.solve(equations, right)
