"""Hours as the page counts them, and how far back it has figures by the hour."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

#: How many days, back from the newest, the page has in full detail hour by hour; before them some of it is by the day.
RECENT_DAYS: Final = 62

#: The SQL of the first moment of a row's UTC day.
DAY: Final = "cast(event_date as timestamp)"


def hours_since_epoch(start: datetime) -> int:
    """Return the start of an hour, UTC with or without a time zone, in hours since the epoch."""
    return int(start.replace(tzinfo=UTC).timestamp()) // 3600


def day_of(hour: int) -> date:
    """Return the UTC day of an hour since the epoch."""
    return (EPOCH + timedelta(hours=hour)).date()


def is_recent(newest: date, days: int = RECENT_DAYS) -> str:
    """Return the SQL condition that a row is of the newest ``days`` days, of which ``newest`` is the last."""
    return f"event_date > date '{newest - timedelta(days=days)}'"


def hour_or_day(newest: date) -> str:
    """Return the SQL of the hour of a recent row, and of the first moment of the day of any other."""
    return f"case when {is_recent(newest)} then hour_start else {DAY} end"
