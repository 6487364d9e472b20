from heapq import heapreplace

import numpy as np
import pytest

from simulator.planning.statistics import (
    Sample,
    mean_interval,
    mser5,
    percentile,
    percentile_interval,
    share_up_to,
    slot_means,
    t_quantile,
)
from simulator.planning.trial import LEAST_REPLICATIONS

#: An interval that covers 95 times in 100 covers fewer than 88 times with a probability below 0.5 %.
LEAST_COVERED = 88


def sample(values, weights=None):
    values = np.asarray(values, dtype=np.int64)
    return Sample(values, np.ones_like(values) if weights is None else np.asarray(weights, dtype=np.int64))


@pytest.mark.parametrize(
    ("degrees", "printed"), [(1, 12.7062), (2, 4.3027), (5, 2.5706), (11, 2.2010), (23, 2.0687), (47, 2.0117)]
)
def test_the_t_quantile_is_the_printed_tables(degrees, printed):
    assert t_quantile(0.975, degrees) == pytest.approx(printed, abs=5e-5)


def test_the_percentile_is_the_nearest_rank():
    generator = np.random.default_rng(1)
    for size in (1, 2, 19, 20, 21, 100, 1000):
        values = generator.integers(0, 50, size)
        for percent in (0.1, 5, 50, 90, 95, 99.9):
            expected = np.quantile(values, percent / 100, method="inverted_cdf")
            assert percentile(sample(values), percent) == expected, (size, percent)


def test_a_weight_counts_like_so_many_equal_values():
    generator = np.random.default_rng(2)
    values, weights = generator.integers(0, 1000, 300), generator.integers(1, 6, 300)
    for percent in (10, 50, 95):
        assert percentile(sample(values, weights), percent) == percentile(sample(values.repeat(weights)), percent)
    assert share_up_to(sample([1, 2, 3], [1, 1, 8]), 2) == 0.2


def test_where_nobody_waits_the_percentile_is_zero():
    assert percentile(sample([]), 95) == 0
    assert share_up_to(sample([]), 1) == 1


def test_the_interval_of_a_mean_covers_it():
    covered = 0
    for seed in range(100):
        interval = mean_interval(np.random.default_rng(seed).normal(10, 3, 6).tolist())
        covered += interval.low <= 10 <= interval.high
    assert LEAST_COVERED <= covered < 100


def test_the_interval_of_a_percentile_covers_it():
    truth = -np.log(0.05) * 1_000_000
    covered = 0
    for seed in range(100):
        generator = np.random.default_rng(seed)
        replications = [sample(generator.exponential(1_000_000, 2000)) for _ in range(LEAST_REPLICATIONS)]
        interval = percentile_interval(replications, 95)
        covered += interval.low <= truth <= interval.high
    assert LEAST_COVERED <= covered < 100


@pytest.mark.slow
def test_the_interval_of_waits_in_a_line_covers_erlangs_percentile_from_as_few_replications_as_may_meet_a_target():
    # M/M/5, four visitors a minute, services of a minute: skewed, dependent waits that begin with an empty line.
    truth = 2.4053
    covered = 0
    for seed in range(100):
        generator = np.random.default_rng(seed)
        replications = [sample(1e6 * waits_in_a_line(generator, 4, 5, 2500)[500:]) for _ in range(LEAST_REPLICATIONS)]
        interval = percentile_interval(replications, 95)
        covered += interval.low <= 1e6 * truth <= interval.high
    assert LEAST_COVERED <= covered < 100


def waits_in_a_line(generator, rate, servers, visitors):
    """Waits of single visitors in one line, exponential gaps and services of mean 1."""
    arrivals = np.cumsum(generator.exponential(1 / rate, visitors)).tolist()
    free, waits = [0.0] * servers, np.empty(visitors)
    for visitor, (arrived, service) in enumerate(zip(arrivals, generator.exponential(1, visitors), strict=True)):
        begins = max(arrived, free[0])
        waits[visitor] = begins - arrived
        heapreplace(free, begins + service)
    return waits


def test_the_warm_up_of_a_rising_series_is_cut_off():
    generator = np.random.default_rng(3)
    rising = np.concatenate([np.linspace(-30, 0, 50), np.zeros(450)]) + generator.normal(0, 1, 500)
    assert 35 <= mser5(rising) <= 100


def test_a_series_that_starts_where_it_stays_keeps_nearly_all():
    cuts = [mser5(np.random.default_rng(seed).normal(5, 1, 500)) for seed in range(20)]
    assert np.median(cuts) <= 50
    assert max(cuts) <= 250  # never more than half


def test_too_short_a_series_has_no_warm_up():
    assert mser5(np.array([9.0, 1, 1, 1, 1, 1])) == 0


def test_slots_average_over_replications_by_weight():
    means = slot_means(
        [sample([10, 20], [1, 3]), sample([40, 7], [4, 1])],
        [np.array([0, 1]), np.array([5, 25])],
        np.array([0, 10, 20, 30]),
    )
    # The middle slot has no values and takes over the mean before.
    assert means.tolist() == [(10 + 60 + 160) / 8, (10 + 60 + 160) / 8, 7]
