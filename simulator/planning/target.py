"""The target of a plan."""

from dataclasses import dataclass

from simulator.exceptions import TargetError

#: Waits are whole microseconds; a wait of more than a week is no target.
_LEAST_WAIT_S = 0.001
_MOST_WAIT_S = 7 * 24 * 3600

#: Below the first a plan would take hours, above the second it would say nothing.
_LEAST_PRECISION = 0.1
_MOST_PRECISION = 50.0

_HUNDRED = 100.0
_TWO_MINUTES_S = 120


@dataclass(frozen=True, slots=True)
class Target:
    """``percentile`` percent of visitors wait at most ``wait_us`` at each stage; created by ``checked_target``."""

    wait_us: float  #: microseconds
    percentile: float  #: above 0 and below 100
    precision: float = 0.05  #: waits within this share of ``wait_us`` need not be told apart from it

    @property
    def least_us(self) -> float:
        """The wait from which a staffing may count as failing, microseconds."""
        return self.wait_us * (1 - self.precision)

    @property
    def most_us(self) -> float:
        """The wait up to which a staffing may count as meeting the target, microseconds."""
        return self.wait_us * (1 + self.precision)

    @property
    def sentence(self) -> str:
        """The target in words."""
        return f"{self.percentile:.10g} % of visitors wait at most {spoken(self.wait_us)}"


def checked_target(wait_s: float, percentile: float, precision: float = 5.0) -> Target:
    """Validate a target: ``percentile`` percent of visitors wait at most ``wait_s`` seconds.

    Waits that are nearer to it than ``precision`` percent need not be told apart from it.

    Raises:
        TargetError: The wait, the percentile or the precision is invalid.
    """
    if not _LEAST_WAIT_S <= wait_s <= _MOST_WAIT_S:
        raise TargetError(
            f"Invalid target wait of {wait_s:g} s; expected a duration from 1 ms to 7 days, for example 5m or 90s."
        )
    if not 0 < percentile < _HUNDRED:
        raise TargetError(
            f"Invalid percentile of {percentile:.16g} %; expected a number above 0 and below 100, for example 95. "
            f"(No staffing can guarantee a wait for every visitor.)"
        )
    if not _LEAST_PRECISION <= precision <= _MOST_PRECISION:
        raise TargetError(
            f"Invalid precision of {precision:.16g} %; expected {_LEAST_PRECISION:g} to {_MOST_PRECISION:g} percent of "
            f"the target wait, for example 3%."
        )
    return Target(wait_s * 1_000_000, percentile, precision / _HUNDRED)


def spoken(time_us: float) -> str:
    """Format a wait: in seconds below two minutes, otherwise in minutes."""
    seconds = time_us / 1_000_000
    if seconds < _TWO_MINUTES_S:
        return f"{seconds:.3g} s"
    minutes = seconds / 60
    return f"{minutes:.3g} min" if minutes < _HUNDRED else f"{minutes:,.0f} min"
