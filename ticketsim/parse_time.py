"""Moments as people write them on the command line."""

from datetime import UTC, datetime

from ticketsim.exceptions import TicketsimError


def parse_moment(text: str | None) -> datetime | None:
    """The moment of ``now`` or ISO 8601, UTC unless it names a zone; None stays None.

    Raises:
        TicketsimError: it is neither.
    """
    if text is None:
        return None
    if text == "now":
        return datetime.now(UTC)
    try:
        start = datetime.fromisoformat(text)
    except ValueError as error:
        raise TicketsimError(
            f"--start {text!r} is no moment: use now or ISO 8601 like 2026-11-20T03:00:00Z."
        ) from error
    return start if start.tzinfo else start.replace(tzinfo=UTC)
