"""Waits without an event heap: the lines' recursion, exactly the waits of the SimPy model.

All lines are first come, first served, everything about a visitor is drawn at arrival, and sellers do not depend on
scanners. So the sellers' lines can be gone through in the order of joining, and after them the scanners': a service
begins when its visitor has joined and its server is free. For one server that is Lindley's recursion [1], for several
with a shared line Kiefer and Wolfowitz's [2]; separate lines need to know, too, who has left when somebody joins.

What happens in the same microsecond happens in the order in which it was scheduled, in SimPy as here: a group that
joins set off when it left the bus or the seller, and a service that ends was scheduled when it began. If these are the
same microsecond as well, only SimPy's own queue of events knows, and there is no answer here.

1. D. V. Lindley: The theory of queues with a single server. Mathematical Proceedings of the Cambridge Philosophical
   Society 48(2), 1952.
2. J. Kiefer, J. Wolfowitz: On the theory of queues with many servers. Transactions of the American Mathematical
   Society 78(1), 1955.
"""

from dataclasses import dataclass
from heapq import heappop, heappush, heapreplace
from itertools import islice
from typing import NamedTuple

import numpy as np

from simulator.arrivals import Crowd, Integers
from simulator.distributions import Streams
from simulator.queues import SCANNER_TIES, SELLER_TIES
from simulator.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Passage:
    """When services begin at one stage; microseconds since the start."""

    joined: Integers  #: when each group joined a line
    begins: Integers  #: when each of the services began


def through_sellers(crowd: Crowd, scenario: Scenario, streams: Streams) -> Passage | None:
    """Return when the groups that buy at the venue join a line and are served, one service each.

    Returns:
        The passage, in the order of the groups' numbers, or None if the order within a microsecond is not known.
    """
    buying = crowd.buys
    set_off = crowd.arrived[buying]
    joined = set_off + crowd.walk_to_sellers[buying]
    begins = _begins(
        joined,
        set_off,
        np.ones(len(joined), dtype=np.int64),
        crowd.sale[buying],
        _Stage(scenario.sellers, scenario.one_line, streams, SELLER_TIES),
    )
    return None if begins is None else Passage(joined, begins)


def through_scanners(crowd: Crowd, sellers: Passage, scenario: Scenario, streams: Streams) -> Passage | None:
    """Return when the groups join a scanner line and each of their visitors is scanned.

    Args:
        crowd: The groups.
        sellers: The passage of those that buy at the venue.
        scenario: The venue.
        streams: Its random streams.

    Returns:
        The passage, in the order of the groups' and the visitors' numbers, or None if the order within a microsecond
        is not known.
    """
    set_off = crowd.arrived.copy()
    set_off[crowd.buys] = sellers.begins + crowd.sale[crowd.buys]
    joined = set_off + crowd.walk_to_scanners + np.where(crowd.buys, 0, crowd.walk_to_sellers)
    order = np.lexsort((set_off, joined))
    same = (np.diff(joined[order]) == 0) & (np.diff(set_off[order]) == 0)
    # Groups that leave one bus at the same time do so in the order of their numbers.
    if (same & (crowd.buys[order][1:] | crowd.buys[order][:-1])).any():
        return None
    stage = _Stage(scenario.scanners, scenario.one_line, streams, SCANNER_TIES)
    begins = _begins(joined, set_off, crowd.size, crowd.scan, stage)
    return None if begins is None else Passage(joined, begins)


@dataclass(frozen=True, slots=True)
class _Stage:
    """The lines of one stage."""

    servers: int
    one_line: bool
    streams: Streams
    ties: str  #: source of the draws that choose between equally short lines


def _begins(joined: Integers, set_off: Integers, sizes: Integers, services: Integers, stage: _Stage) -> Integers | None:
    """Return when each service begins, or None if the order within a microsecond is not known."""
    order = np.lexsort((set_off, joined))
    firsts = np.cumsum(sizes) - sizes
    groups = Groups(joined[order].tolist(), firsts[order].tolist(), sizes[order].tolist(), services.tolist())
    if stage.one_line:
        begins = one_line(groups, stage.servers)
    else:
        uniforms = list(islice(stage.streams.uniforms(stage.ties), len(order)))
        found = separate_lines(groups, set_off[order].tolist(), stage.servers, uniforms)
        if found is None:
            return None
        begins = found
    return np.array(begins, dtype=np.int64)


class Groups(NamedTuple):
    """Groups in the order in which they join, as plain numbers; times are microseconds."""

    joined: list[int]
    first: list[int]  #: where each group's services are among all of them
    size: list[int]
    services: list[int]


def one_line(groups: Groups, servers: int) -> list[int]:
    """Return when each service begins, of one line that all servers share; its first goes to the first free server."""
    free_at = [0] * servers
    begins = [0] * len(groups.services)
    for joined, first, size in zip(groups.joined, groups.first, groups.size, strict=True):
        for k in range(first, first + size):
            begins[k] = begin = free_at[0] if free_at[0] > joined else joined
            heapreplace(free_at, begin + groups.services[k])
    return begins


def separate_lines(groups: Groups, set_off: list[int], servers: int, uniforms: list[float]) -> list[int] | None:
    """Return when each service begins, of a line for each server, of which the shortest is joined.

    Whoever is being served counts, and ties are broken at random.

    Args:
        groups: The groups.
        set_off: When the group's joining was scheduled, microseconds.
        servers: Number of servers, and of lines.
        uniforms: As many draws from [0, 1) as there are groups.

    Returns:
        The beginnings, or None if a group joins in the microsecond in which a service ends, and was scheduled in the
        microsecond in which it began.
    """
    services = groups.services
    begins = [0] * len(services)
    free_at = [0] * servers
    lengths = [0] * servers
    least, with_length = 0, [servers] + [0] * len(services)  # how many lines have each length
    in_lines: list[tuple[int, int, int]] = []  # a heap: when each service ends and begins, and its line
    draws = iter(uniforms)
    for now, since, first, size in zip(groups.joined, set_off, groups.first, groups.size, strict=True):
        while in_lines and in_lines[0][0] <= now:
            ended, began, line = in_lines[0]
            if ended == now and began >= since:
                if began == since:
                    return None
                break
            heappop(in_lines)
            length = lengths[line] - 1
            lengths[line] = length
            with_length[length + 1] -= 1
            with_length[length] += 1
            least = least if least < length else length
        while not with_length[least]:
            least += 1
        line = lengths.index(least)
        if with_length[least] > 1:
            for _ in range(int(next(draws) * with_length[least])):
                line = lengths.index(least, line + 1)
        with_length[least] -= 1
        with_length[least + size] += 1
        lengths[line] = least + size
        begin = free_at[line] if free_at[line] > now else now
        for k in range(first, first + size):
            begins[k] = begin
            end = begin + services[k]
            heappush(in_lines, (end, begin, line))
            begin = end
        free_at[line] = begin
    return begins
