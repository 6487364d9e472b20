from datetime import UTC, datetime
from hashlib import sha256
from re import sub

import numpy as np
import pytest

from simulator.distributions import MINUTE_US, Exponential, Normal, Streams

#: Of scenario and drain, seed 7, one hour, two venues. If one changes, and the scenario has not, the model has: raise
#: MODEL_VERSION and say so.
STORED_DIGESTS = {
    ("original", True): "5db145b79ccecea3",  # pragma: allowlist secret
    ("original", False): "36570a2ce7520146",  # pragma: allowlist secret
    ("six-sellers-four-scanners-one-line", True): "06b72a3eacea6972",  # pragma: allowlist secret
    ("six-sellers-four-scanners-one-line", False): "e258bd905d08cb8a",  # pragma: allowlist secret
    ("festival", True): "ef8c05e59d2cfb02",  # pragma: allowlist secret
}

#: If it changes, numpy's streams have changed, and run ids with them.
STORED_FINGERPRINT = "07c86bcf3d67f277"  # pragma: allowlist secret


def test_the_same_run_sends_the_same_bytes(ran):
    assert ran(venues=2).sent == ran(venues=2).sent


@pytest.mark.parametrize(("scenario", "drain"), STORED_DIGESTS)
def test_a_run_sends_what_it_sent_when_its_model_was_released(ran, scenario, drain):
    start = datetime(2026, 3, 1, 12 if scenario == "festival" else 0, tzinfo=UTC)
    values = ran(scenario, start=start, venues=2, drain=drain, run_id="stored").values
    assert sha256(b"\n".join(values)).hexdigest()[:16] == STORED_DIGESTS[scenario, drain]


def test_other_streams_of_numpy_are_another_run(plan, monkeypatch):
    assert Streams.fingerprint()[:16] == STORED_FINGERPRINT
    before, normal = plan().run_id, Normal.sample
    monkeypatch.setattr(Normal, "sample", lambda self, generator, size: np.flip(normal(self, generator, size)))
    assert plan().run_id != before
    monkeypatch.undo()
    assert plan().run_id == before


def test_another_seed_sends_something_else(ran):
    assert ran(run_id="x", seed=1).values != ran(run_id="x", seed=2).values


def test_a_venue_does_not_depend_on_how_many_others_there_are(ran):
    def of_venue_2(venues):
        return [
            sub(rb'"(run_venues|digest)":\d+', b"", value)
            for _, key, value in ran(venues=venues, run_id="x", hours=2).sent
            if key == b"venue-2"
        ]

    assert of_venue_2(2) == of_venue_2(5)


def test_venues_differ(ran):
    sent = ran(venues=2).sent
    first, second = ([v for _, key, v in sent if key == name] for name in (b"venue-1", b"venue-2"))

    assert len(first) != len(second)


def test_streams_are_independent_of_what_was_drawn_from_others():
    a, b = Streams(7, 1), Streams(7, 1)
    other = b.uniforms("channel")
    for _ in range(10_000):
        next(other)

    drawn = [next(a.microseconds("sale", Normal(1, 0.2))) for _ in range(3)]
    assert drawn == [next(b.microseconds("sale", Normal(1, 0.2))) for _ in range(3)]
    assert drawn[0] != next(a.microseconds("scan", Normal(1, 0.2)))
    assert drawn[0] != next(Streams(7, 2).microseconds("sale", Normal(1, 0.2)))


def test_draws_below_the_minimum_are_drawn_again_not_piled_up():
    draws = Streams(7, 1).whole_numbers("bus_occupancy", Normal(3, 3))
    numbers = [next(draws) for _ in range(50_000)]

    assert min(numbers) == 1
    assert numbers.count(1) < numbers.count(2) < numbers.count(3)


def test_durations_are_whole_microseconds_above_zero():
    draws = Streams(7, 1).microseconds("gap", Exponential(0.00000003))

    assert all(isinstance(d, int) and d >= 1 for d in (next(draws) for _ in range(1000)))


def test_means_are_those_of_the_scenario():
    for distribution in (Normal(1, 0.2), Exponential(3)):
        draws = Streams(1, 1).microseconds("any", distribution)
        mean = sum(next(draws) for _ in range(100_000)) / 100_000
        assert abs(mean / MINUTE_US / distribution.mean - 1) < 0.02
