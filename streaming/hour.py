"""A UTC hour: the unit by which the lake, the loads of the warehouse and the graph are partitioned."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Self

ONE_HOUR: Final = timedelta(hours=1)

_KEY_FORMAT: Final = "%Y-%m-%d-%H:00"


@dataclass(frozen=True, slots=True, order=True)
class Hour:
    """One UTC hour, named by its start."""

    start: datetime

    def __post_init__(self) -> None:
        """Reject times that are not the start of a UTC hour (ValueError): no partition has them as its name."""
        if self.start.tzinfo is not UTC or self.start.replace(minute=0, second=0, microsecond=0) != self.start:
            raise ValueError(
                f"Invalid hour '{self.start.isoformat()}'; expected the start of a UTC hour, "
                "for example 2026-11-20T03:00+00:00"
            )

    @classmethod
    def containing(cls, moment: datetime) -> Self:
        """Return the hour that contains ``moment``, which has a time zone."""
        return cls(moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0))

    @classmethod
    def of_partition(cls, event_date: date, event_hour: int) -> Self:
        """Return the hour of the lake's partition values."""
        return cls(datetime(event_date.year, event_date.month, event_date.day, event_hour, tzinfo=UTC))

    @classmethod
    def from_key(cls, key: str) -> Self:
        """Parse a Dagster partition key, ``2026-11-20-03:00``; ValueError if it is invalid."""
        return cls(datetime.strptime(key, _KEY_FORMAT).replace(tzinfo=UTC))

    @property
    def key(self) -> str:
        """Dagster's partition key of this hour."""
        return self.start.strftime(_KEY_FORMAT)

    @property
    def end(self) -> datetime:
        """The first instant after this hour."""
        return self.start + ONE_HOUR

    @property
    def date(self) -> date:
        """UTC date: the lake's event_date."""
        return self.start.date()

    @property
    def next(self) -> "Hour":
        """The hour after this one."""
        return Hour(self.end)

    @property
    def previous(self) -> "Hour":
        """The hour before this one."""
        return Hour(self.start - ONE_HOUR)

    def __str__(self) -> str:
        return self.start.strftime("%Y-%m-%dT%H:00Z")


def hours_between(first: Hour, last: Hour) -> list[Hour]:
    """Return all hours from ``first`` to ``last``, both included; empty if ``last`` is before ``first``."""
    count = (last.start - first.start) // ONE_HOUR + 1
    return [Hour(first.start + index * ONE_HOUR) for index in range(count)]


def contiguous_ranges(hours: list[Hour]) -> list[tuple[Hour, Hour]]:
    """Group ``hours`` into the fewest (first, last) ranges that cover exactly them, oldest first."""
    ranges: list[tuple[Hour, Hour]] = []
    for hour in sorted(set(hours)):
        if ranges and ranges[-1][1].next == hour:
            ranges[-1] = (ranges[-1][0], hour)
        else:
            ranges.append((hour, hour))
    return ranges
