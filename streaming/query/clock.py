"""The clock that stamps rows with ``ingested_at``."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

#: Returns microseconds since the Unix epoch. It is sent to Spark's Python workers, so it must be picklable.
Clock = Callable[[], int]


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def system_clock() -> int:
    """Return the time of this machine's clock."""
    return time.time_ns() // 1000


def not_before(earliest: datetime | None, clock: Clock) -> Clock:
    """Wrap ``clock`` so that it never reports a time before ``earliest``: rows must not date into an older log."""
    return clock if earliest is None else _NotBefore(clock, (earliest - _EPOCH) // timedelta(microseconds=1))


@dataclass(frozen=True, slots=True)
class _NotBefore:
    clock: Clock
    earliest_us: int

    def __call__(self) -> int:
        return max(self.clock(), self.earliest_us)
