"""What a plan is to reach."""

from dataclasses import dataclass
from math import inf

from simulator.exceptions import TargetError

_HUNDRED = 100.0
_TWO_MINUTES_S = 120


@dataclass(frozen=True, slots=True)
class Target:
    """``percentile`` percent of visitors wait at most ``wait_us`` at each stage; made by ``checked_target``."""

    wait_us: float  #: microseconds
    percentile: float  #: above 0 and below 100

    @property
    def sentence(self) -> str:
        """The target in words."""
        return f"{self.percentile:g} % of visitors wait at most {spoken(self.wait_us)}"


def checked_target(wait_s: float, percentile: float) -> Target:
    """The target of ``percentile`` percent of visitors waiting at most ``wait_s`` seconds.

    Raises:
        TargetError: One of them is impossible.
    """
    if not 0 < wait_s < inf:
        raise TargetError(f"a target wait of {wait_s:g} s is not possible; use a duration above 0, like 5m or 90s.")
    if not 0 < percentile < _HUNDRED:
        raise TargetError(
            f"a percentile of {percentile:g} is not possible; use a number above 0 and below 100, like 95. "
            f"(No staffing can promise a wait to every visitor of every day.)"
        )
    return Target(wait_s * 1_000_000, percentile)


def spoken(time_us: float) -> str:
    """A wait for reading: seconds below two minutes, else minutes."""
    seconds = time_us / 1_000_000
    if seconds < _TWO_MINUTES_S:
        return f"{seconds:.3g} s"
    minutes = seconds / 60
    return f"{minutes:.3g} min" if minutes < _HUNDRED else f"{minutes:,.0f} min"
