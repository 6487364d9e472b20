"""Draws of a stream as arrays."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from simulator.fast.tables import Rows


class Draws:
    """Numbers of a stream in their order, of which some were drawn ahead."""

    def __init__(self, blocks: Iterator[Rows]) -> None:
        self._blocks: Final = blocks
        self._ahead: Rows | None = None

    def peek(self, number: int) -> Rows:
        """Return at least the next ``number`` draws, which remain the next ones."""
        known = next(self._blocks) if self._ahead is None else self._ahead
        if len(known) < number:
            blocks, length = [known], len(known)
            while length < number:
                blocks.append(next(self._blocks))
                length += len(blocks[-1])
            known = np.concatenate(blocks)
        self._ahead = known
        return known

    def take(self, number: int) -> Rows:
        """Return the next ``number`` draws."""
        known = self.peek(number)
        self.drop(number)
        return known[:number]

    def drop(self, number: int) -> None:
        """Leave out the next ``number`` draws, which were peeked at."""
        if number:
            assert self._ahead is not None  # noqa: S101 - nothing else can be dropped
            self._ahead = self._ahead[number:]


def joined(arrays: list[Any], dtype: Any) -> Rows:
    """Return arrays as one, also if there are none."""
    return np.concatenate(arrays) if arrays else np.empty(0, dtype)
