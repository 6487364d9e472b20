"""Statistics of simulation output: percentiles, t intervals over replications, and where a warm-up ends."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import atan, cos, isclose, pi, sin, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

CONFIDENCE: Final = 0.95

#: MSER-5 averages batches of this many observations.
MSER_BATCH: Final = 5

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its confidence interval."""

    estimate: float
    low: float
    high: float

    def scaled(self, factor: float) -> "Interval":
        """Convert to another unit."""
        return Interval(self.estimate * factor, self.low * factor, self.high * factor)

    def within(self, least: float, most: float) -> "Interval":
        """Clip the interval to the possible values."""
        return Interval(self.estimate, max(self.low, least), min(self.high, most))


@dataclass(frozen=True, slots=True)
class Sample:
    """Values observed in one replication, weighted by numbers of visitors."""

    values: NDArray[np.int64]
    weights: NDArray[np.int64]


#: A number that describes a sample.
Statistic = Callable[[Sample], float]


def percentile(sample: Sample, percent: float) -> float:
    """Return the nearest-rank percentile: the smallest value that at least ``percent`` % of the weight does not exceed.

    Without values it is 0: nobody waited.
    """
    if not len(sample.values):
        return 0.0
    order = np.argsort(sample.values)
    reached = np.cumsum(sample.weights[order])
    # In this order of operations 95 % of 100 is 95, not a little more.
    rank = np.searchsorted(reached, percent * reached[-1] / 100, side="left")
    return float(sample.values[order[min(rank, len(order) - 1)]])


def mean(sample: Sample) -> float:
    """Return the weighted mean; 0 without values: nobody waited."""
    total = int(sample.weights.sum())
    return float(sample.values @ sample.weights / total) if total else 0.0


def share_up_to(sample: Sample, value: float) -> float:
    """Return the share of the weight whose value is at most ``value``; 1 without values."""
    total = int(sample.weights.sum())
    return float(sample.weights[sample.values <= value].sum() / total) if total else 1.0


def percentile_interval(replications: Sequence[Sample], percent: float, confidence: float = CONFIDENCE) -> Interval:
    """Estimate the percentile over all replications, with a t interval (sectioning).

    Args:
        replications: Samples, at least two.
        percent: The percentile, above 0 and below 100.
        confidence: Probability with which the interval holds it.
    """
    return section_interval(replications, lambda sample: percentile(sample, percent), confidence)


def section_interval(replications: Sequence[Sample], statistic: Statistic, confidence: float = CONFIDENCE) -> Interval:
    """Estimate a statistic over all replications, with a t interval (sectioning).

    The estimate is the statistic of all replications' values together, the spread that of each replication's own around
    it: averaging a percentile over the replications would keep the bias of each short one.

    Args:
        replications: Samples, at least two.
        statistic: What is estimated.
        confidence: Probability with which the interval holds it.
    """
    return _around(statistic(_pooled(replications)), [statistic(sample) for sample in replications], confidence)


def section_difference(minuend: Sequence[Sample], subtrahend: Sequence[Sample], statistic: Statistic) -> Interval:
    """Estimate the difference of a statistic, as ``section_interval`` does, from pairs of replications.

    Args:
        minuend: Samples, at least two.
        subtrahend: As many samples, each of the same visitors, whose statistic is subtracted.
        statistic: What is estimated.
    """
    differences = [statistic(one) - statistic(other) for one, other in zip(minuend, subtrahend, strict=True)]
    return _around(statistic(_pooled(minuend)) - statistic(_pooled(subtrahend)), differences, CONFIDENCE)


def _pooled(replications: Sequence[Sample]) -> Sample:
    return Sample(
        np.concatenate([sample.values for sample in replications]),
        np.concatenate([sample.weights for sample in replications]),
    )


def mean_interval(values: Sequence[float]) -> Interval:
    """Estimate the mean of independent values, at least two, with a t interval at ``CONFIDENCE``."""
    return _around(sum(values) / len(values), values, CONFIDENCE)


def _around(estimate: float, values: Sequence[float], confidence: float) -> Interval:
    count = len(values)
    spread = sqrt(sum((value - estimate) ** 2 for value in values) / (count - 1))
    half = t_quantile(0.5 + confidence / 2, count - 1) * spread / sqrt(count)
    return Interval(estimate, estimate - half, estimate + half)


def t_quantile(probability: float, degrees: int) -> float:
    """Return the quantile of Student's t for a ``probability`` from 0.5 to below 1, to nine digits."""
    low, high = 0.0, 1.0
    while _t_below(high, degrees) < probability:
        high *= 2
    while not isclose(low, high, rel_tol=1e-10, abs_tol=1e-12):
        middle = (low + high) / 2
        low, high = (middle, high) if _t_below(middle, degrees) < probability else (low, middle)
    return (low + high) / 2


def _t_below(value: float, degrees: int) -> float:
    """Evaluate Student's t distribution for whole degrees of freedom: Abramowitz and Stegun, 26.7.3 and 26.7.4."""
    angle = atan(value / sqrt(degrees))
    odd = degrees % 2
    term = cos(angle) if odd else 1.0
    series = term if degrees > 1 else 0.0
    for k in range(2 + odd, degrees - 1, 2):
        term *= (k - 1) / k * cos(angle) ** 2
        series += term
    within = 2 / pi * (angle + sin(angle) * series) if odd else sin(angle) * series
    return (1 + within) / 2


def mser5(observations: Numbers) -> int:
    """Return how many of the first observations belong to the warm-up, by MSER-5.

    Of the cuts within the first half it takes the one that minimises the squared standard error of the mean of the
    rest, after averaging every five observations (White, Cobb and Spratt 2000).

    Returns:
        A multiple of 5; 0 if there are too few observations to tell.
    """
    count = len(observations) // MSER_BATCH
    batches = observations[: count * MSER_BATCH].reshape(count, MSER_BATCH).mean(axis=1)
    if count <= 1:
        return 0
    centred = batches - batches.mean()
    left = np.arange(count, count - count // 2 - 1, -1)
    sums, squares = (np.cumsum(values[::-1])[::-1][: len(left)] for values in (centred, centred**2))
    return int(np.argmin((squares - sums**2 / left) / left**2)) * MSER_BATCH


def slot_means(samples: Sequence[Sample], positions: Sequence[NDArray[np.int64]], edges: NDArray[np.int64]) -> Numbers:
    """Compute Welch's averages: the weighted mean of the values of all replications, in each slot of positions.

    Args:
        samples: One for each replication.
        positions: Position of each value, in the unit of ``edges``.
        edges: Edges of the slots, ascending; an empty slot takes the mean of the slot before.
    """
    slots = len(edges) - 1
    totals, weights = np.zeros(slots), np.zeros(slots)
    for sample, position in zip(samples, positions, strict=True):
        index = np.searchsorted(edges, position, side="right") - 1
        totals += np.bincount(index, sample.values * sample.weights, slots)
        weights += np.bincount(index, sample.weights, slots)
    means = np.divide(totals, weights, out=np.full(slots, np.nan), where=weights > 0)
    means[0] = np.nan_to_num(means[0])
    for before, slot in pairwise(range(slots)):
        if np.isnan(means[slot]):
            means[slot] = means[before]
    return means
