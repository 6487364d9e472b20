"""Parsing of times on the command line."""

from datetime import UTC, datetime

from ticketsim.exceptions import TicketsimError


def parse_time(text: str | None) -> datetime | None:
    """Parse ``now`` or an ISO 8601 time, UTC unless it names a zone; None stays None.

    Raises:
        TicketsimError: The text is neither.
    """
    if text is None:
        return None
    if text == "now":
        return datetime.now(UTC)
    try:
        start = datetime.fromisoformat(text)
    except ValueError as error:
        raise TicketsimError(
            f"Invalid --start {text!r}; expected now or ISO 8601, for example 2026-11-20T03:00:00Z."
        ) from error
    return start if start.tzinfo else start.replace(tzinfo=UTC)
