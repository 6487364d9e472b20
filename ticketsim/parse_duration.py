"""Parsing of durations on the command line."""

import typer


def parse_seconds(text: str, option: str) -> float:
    """Parse a duration such as ``5m`` or ``90s``; return seconds.

    Raises:
        typer.BadParameter: The text of ``option`` is none.
    """
    import humanfriendly  # noqa: PLC0415 - `ticketsim --help` need not load it

    from simulator.display import shown  # noqa: PLC0415

    try:
        return float(humanfriendly.parse_timespan(text))
    except (humanfriendly.InvalidTimespan, ValueError, OverflowError):  # the last two for thousands of digits
        raise typer.BadParameter(
            f"Invalid duration {shown(text)}; expected for example 5m or 90s.", param_hint=option
        ) from None
