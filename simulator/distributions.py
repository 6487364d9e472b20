"""Random draws: truncated distributions in whole units, each from its own independent stream.

Draws are whole numbers (people, or microseconds) because the simulation's clock and the messages' times are. A draw
that, rounded, lies below its minimum is drawn again: the distribution is truncated, not clamped, so no probability
piles up at the minimum. For the built-in scenarios every minimum lies more than three standard deviations below the
mean, and truncation moves the mean by less than 0.1 %.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain, islice
from math import erf, exp, pi, sqrt
from typing import Any, Final, Protocol
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

#: Drawing one number at a time costs as much as simulating an event; a block of these costs 3 % of that per number. Its
#: length changes no draw, since each stream has a generator of its own, and a thousand venues have ten streams each.
BLOCK: Final = 4096

#: Numbers of a block that are Python's at a time: 32 bytes each, in ten streams a venue.
_SLICE: Final = 256

#: Draws of each kind in a fingerprint: enough for those that are rejected and drawn in another way, one in a hundred.
_FINGERPRINT: Final = 4096

MINUTE_US: Final = 60_000_000


class Distribution(Protocol):
    """A probability distribution to draw numbers from."""

    @property
    def mean(self) -> float:
        """The mean before truncation."""

    def sample(self, generator: np.random.Generator, size: int) -> NDArray[np.float64]:
        """Draw ``size`` independent numbers, not yet rounded or truncated."""

    def below(self, value: float) -> float:
        """Return the probability of a number below ``value``, before truncation."""

    def mean_above(self, minimum: float) -> float:
        """Return the mean of the distribution truncated below at ``minimum``."""

    @property
    def largest(self) -> float:
        """A number that is practically never exceeded."""


@dataclass(frozen=True, slots=True)
class Normal:
    """A normal distribution; with ``sd = 0`` a constant."""

    mean: float
    sd: float

    def sample(self, generator: np.random.Generator, size: int) -> NDArray[np.float64]:
        """Draw ``size`` independent numbers, not yet rounded or truncated."""
        return generator.normal(self.mean, self.sd, size)

    def below(self, value: float) -> float:
        """Return the probability of a number below ``value``, before truncation."""
        if self.sd == 0:
            return float(self.mean < value)
        return 0.5 * (1 + erf((value - self.mean) / self.sd / sqrt(2)))

    def mean_above(self, minimum: float) -> float:
        """Return the mean of the distribution truncated below at ``minimum``."""
        if self.sd == 0:
            return self.mean
        z = (minimum - self.mean) / self.sd
        return self.mean + self.sd * exp(-z * z / 2) / sqrt(2 * pi) / (1 - self.below(minimum))

    @property
    def largest(self) -> float:
        """A number that is practically never exceeded."""
        return self.mean + 8 * self.sd


@dataclass(frozen=True, slots=True)
class Exponential:
    """An exponential distribution."""

    mean: float

    def sample(self, generator: np.random.Generator, size: int) -> NDArray[np.float64]:
        """Draw ``size`` independent numbers, not yet rounded or truncated."""
        return generator.exponential(self.mean, size)

    def below(self, value: float) -> float:
        """Return the probability of a number below ``value``, before truncation."""
        return 1 - exp(-max(0.0, value) / self.mean)

    def mean_above(self, minimum: float) -> float:
        """Return the mean of the distribution truncated below at ``minimum``."""
        return self.mean + max(0.0, minimum)

    @property
    def largest(self) -> float:
        """A number that is practically never exceeded."""
        return 40 * self.mean


@dataclass(frozen=True, slots=True)
class Streams:
    """The random streams of one venue: one for each source of randomness, independent of all others.

    A stream depends on the run's seed, the venue's number and the source's name alone, so neither the number of
    venues nor the staffing nor draws from other sources change its draws.
    """

    seed: int
    venue: int

    def whole_numbers(
        self, source: str, distribution: Distribution, *, minimum: int = 1, unit: int = 1
    ) -> Iterator[int]:
        """Draw forever from ``distribution`` in multiples of ``unit``, rounded; below ``minimum`` is drawn again."""
        return _singly(self.blocks_of_whole_numbers(source, distribution, minimum=minimum, unit=unit))

    def microseconds(self, source: str, minutes: Distribution) -> Iterator[int]:
        """Draw durations forever: whole microseconds, at least 1, from a distribution of minutes."""
        return self.whole_numbers(source, minutes, unit=MINUTE_US)

    def uniforms(self, source: str) -> Iterator[float]:
        """Draw forever from [0, 1)."""
        return _singly(self.blocks_of_uniforms(source))

    def blocks_of_whole_numbers(
        self, source: str, distribution: Distribution, *, minimum: int = 1, unit: int = 1
    ) -> Iterator[NDArray[np.int64]]:
        """Draw the same numbers as ``whole_numbers``, in arrays, of which some may be empty."""
        generator = self._generator(source)
        while True:
            yield _whole_numbers(distribution, generator, minimum, unit)

    def blocks_of_microseconds(self, source: str, minutes: Distribution) -> Iterator[NDArray[np.int64]]:
        """Draw the same durations as ``microseconds``, in arrays, of which some may be empty."""
        return self.blocks_of_whole_numbers(source, minutes, unit=MINUTE_US)

    def blocks_of_uniforms(self, source: str) -> Iterator[NDArray[np.float64]]:
        """Draw the same numbers as ``uniforms``, in arrays."""
        generator = self._generator(source)
        while True:
            yield generator.random(BLOCK)

    @classmethod
    def fingerprint(cls) -> str:
        """Return a digest of some draws: numpy promises the same ones only within a version of itself."""
        streams = cls(seed=0, venue=0)
        draws = [
            list(islice(streams.microseconds("normal", Normal(1, 0.2)), _FINGERPRINT)),
            list(islice(streams.microseconds("exponential", Exponential(3)), _FINGERPRINT)),
            list(islice(streams.uniforms("uniform"), _FINGERPRINT)),
        ]
        return sha256(repr(draws).encode()).hexdigest()

    def _generator(self, source: str) -> np.random.Generator:
        key = (self.venue, crc32(source.encode()))
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))


def _whole_numbers(
    distribution: Distribution, generator: np.random.Generator, minimum: int, unit: int
) -> NDArray[np.int64]:
    """Return a block. What it is made of is freed here: of a thousand venues it would be half a gigabyte."""
    drawn = distribution.sample(generator, BLOCK)
    drawn *= unit
    numbers = np.rint(drawn, out=drawn).astype(np.int64)
    return numbers if numbers.min() >= minimum else numbers[numbers >= minimum]


def _singly(blocks: Iterator[NDArray[Any]]) -> Iterator[Any]:
    """Return the numbers of blocks, one by one."""
    return chain.from_iterable(chain.from_iterable(map(_slices, blocks)))


def _slices(block: NDArray[Any]) -> Iterator[list[Any]]:
    """Return the numbers of a block as short lists, of which the processor's cache holds those of all streams."""
    return (block[first : first + _SLICE].tolist() for first in range(0, len(block), _SLICE))
