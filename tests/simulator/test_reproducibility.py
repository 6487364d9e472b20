from hashlib import sha256
from re import sub

from simulator.distributions import MINUTE_US, Exponential, Normal, Streams

#: Of `original`, seed 7, one hour, two venues. If this changes, the model has changed: raise MODEL_VERSION and say so.
STORED_DIGEST = "5db145b79ccecea3335acf4906c3c95d1fdbebf66481e44e111976dbdebd851f"  # pragma: allowlist secret


def test_the_same_run_sends_the_same_bytes(ran):
    assert ran(venues=2).sent == ran(venues=2).sent


def test_a_run_sends_what_it_sent_when_its_model_was_released(ran):
    assert sha256(b"\n".join(ran(venues=2, run_id="stored").values)).hexdigest() == STORED_DIGEST


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
