"""Bus arrivals at a rate that depends on the time of day, by thinning (Lewis and Shedler, 1979).

Candidates come as a Poisson process at the highest rate of the day; a candidate at time t becomes a bus with
probability rate(t) / highest rate. What remains is a Poisson process with exactly the requested rate, even across
hour boundaries, where drawing the next gap at the current hour's rate would be wrong.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.distributions import Distribution, Exponential, Streams
from simulator.events import HOUR_US

#: The source that ``simulator.arrivals`` draws the gaps between buses from.
_GAPS = "minutes_between_buses"


def streams_of_day(streams: Streams, rate_by_hour: tuple[float, ...], start_us: int) -> Streams:
    """Return ``streams`` with gaps between buses that follow the rate of each hour of the day.

    Args:
        streams: Streams of a venue.
        rate_by_hour: Share of the full bus rate for each hour of the day, UTC; empty: the streams are unchanged.
        start_us: Start of the first gap, microseconds since the Unix epoch.
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
