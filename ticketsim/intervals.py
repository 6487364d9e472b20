"""Confidence intervals of waits as the commands show them: in minutes, and in JSON."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from simulator.planning.statistics import Interval

US_PER_S: Final = 1_000_000
US_PER_MINUTE: Final = 60 * US_PER_S


def in_minutes(wait: "Interval", sign: str = "") -> str:
    """Return an interval in microseconds as minutes, ``4.95 [4.62, 5.24]``; ``sign`` is that of a format."""
    minutes = wait.scaled(1 / US_PER_MINUTE)
    return f"{minutes.estimate:{sign}.2f} [{minutes.low:{sign}.2f}, {minutes.high:{sign}.2f}]"


def interval_json(interval: "Interval", factor: float = 1.0) -> dict[str, float]:
    """Return an interval as plain data, times ``factor``."""
    scaled = interval.scaled(factor)
    return {"estimate": scaled.estimate, "low": scaled.low, "high": scaled.high}
