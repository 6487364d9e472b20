"""Buses whose rate depends on the time of day, by thinning (Lewis and Shedler, 1979).

Candidates come as a Poisson process at the highest rate of the day; a candidate at time t becomes a bus with
probability rate(t) / highest rate. What remains is a Poisson process with exactly the rate asked for, also across the
hours' borders, where drawing the next gap at the present hour's rate would be wrong.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.distributions import Distribution, Exponential, Streams
from simulator.events import HOUR_US

#: The source that ``simulator.arrivals`` draws the gaps between buses from.
_GAPS = "minutes_between_buses"


def streams_of_day(streams: Streams, rate_by_hour: tuple[float, ...], start_us: int) -> Streams:
    """The same streams, but with buses as they come through the day.

    Args:
        streams: A venue's.
        rate_by_hour: For each hour of the day, UTC, the share of the buses that the scenario's mean gap makes; empty:
            the streams stay as they are.
        start_us: When the first gap begins, microseconds since the Unix epoch.
    """
    return _StreamsOfDay(streams.seed, streams.venue, rate_by_hour, start_us) if rate_by_hour else streams


@dataclass(frozen=True, slots=True)
class _StreamsOfDay(Streams):
    """Streams in which the gaps between buses depend on the time of day."""

    rate_by_hour: tuple[float, ...]
    start_us: int

    def microseconds(self, source: str, minutes: Distribution) -> Iterator[int]:
        """Draw durations forever: whole microseconds, at least 1, from a distribution of minutes."""
        if source != _GAPS:
            return Streams.microseconds(self, source, minutes)
        return self._gaps(minutes.mean)

    def _gaps(self, mean_minutes: float) -> Iterator[int]:
        highest = max(self.rate_by_hour)
        candidates = Streams.microseconds(self, _GAPS, Exponential(mean_minutes / highest))
        chances = self.uniforms("thinning of buses")
        last = now = self.start_us
        for gap in candidates:
            now += gap
            if next(chances) * highest < self.rate_by_hour[now // HOUR_US % len(self.rate_by_hour)]:
                yield now - last
                last = now
