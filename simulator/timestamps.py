"""Times of the contract, microseconds since the Unix epoch, as dates."""

from datetime import UTC, datetime
from typing import Final

_US_PER_YEAR: Final = 31_556_952_000_000


def utc(time_us: int) -> datetime:
    """Convert to a date, in whole seconds."""
    return datetime.fromtimestamp(time_us // 1_000_000, UTC)


def iso(time_us: int) -> str:
    """Format for a sentence, also what no calendar has: ``2026-03-01T07:15:00Z``, or ``the year 31,690``."""
    try:
        return utc(time_us).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return f"the year {1970 + time_us // _US_PER_YEAR:,}"
