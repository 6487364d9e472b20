"""Queues: lines in which visitors wait, first come, first served, for a seller or a scanner.

The duration of a service is known when its line is joined, and nobody leaves a line or changes to another. So the start
of each service is known on joining, too: when the visitor has arrived and the server is free. The lines keep track of
when servers become free, and the simulation needs one timeout per service instead of a request, its grant and a
release.
"""

from collections.abc import Iterator, Sequence
from heapq import heapreplace
from typing import Final, Protocol

# Sources of randomness that break ties between lines, see ``simulator.distributions.Streams``.
SELLER_TIES: Final = "seller_ties"
SCANNER_TIES: Final = "scanner_ties"


class Lines(Protocol):
    """Lines in front of one stage's servers; times are microseconds."""

    def join(self, now: int, services: Sequence[int]) -> tuple[int, list[int]]:
        """Add a party to one line, to be served one after the other.

        Args:
            now: Time of joining.
            services: Duration of each member's service.

        Returns:
            The number of the line, from 1, and the start of each service.
        """

    def leave(self, line: int) -> None:
        """Record that one service of ``line`` has ended."""


class SeparateLines:
    """A line for each server; visitors join the shortest, counting those being served, with ties at random."""

    def __init__(self, servers: int, uniforms: Iterator[float]) -> None:
        """Set up empty lines.

        Args:
            servers: Number of servers, and of lines.
            uniforms: Draws from [0, 1) that break ties.
        """
        self._lengths: Final = [0] * servers
        self._free_at: Final = [0] * servers
        self._uniforms: Final = uniforms

    def join(self, now: int, services: Sequence[int]) -> tuple[int, list[int]]:
        """Join the shortest line; see ``Lines``."""
        index = self._shortest()
        self._lengths[index] += len(services)
        free_at = max(now, self._free_at[index])
        begins = []
        for service in services:
            begins.append(free_at)
            free_at += service
        self._free_at[index] = free_at
        return index + 1, begins

    def leave(self, line: int) -> None:
        """Record that one service of ``line`` has ended."""
        self._lengths[line - 1] -= 1

    def _shortest(self) -> int:
        lengths = self._lengths
        least = min(lengths)
        index = lengths.index(least)
        ties = lengths.count(least)
        if ties > 1:
            for _ in range(int(next(self._uniforms) * ties)):
                index = lengths.index(least, index + 1)
        return index


class OneLine:
    """One line for all servers; its first visitor goes to the first free server."""

    def __init__(self, servers: int) -> None:
        self._free_at: Final = [0] * servers  # a heap

    def join(self, now: int, services: Sequence[int]) -> tuple[int, list[int]]:
        """Join the line; see ``Lines``."""
        begins = []
        for service in services:
            begin = max(now, self._free_at[0])
            heapreplace(self._free_at, begin + service)
            begins.append(begin)
        return 1, begins

    def leave(self, line: int) -> None:
        """Do nothing: there is no other line to choose."""
