"""Commits found by time: the one that brought a row into the lake.

A stream commits a batch after it has stamped its rows with ``ingested_at``, and one batch after the other: the first
commit from then on that adds to the row's hour is the row's, whatever has moved it into other files since.
"""

from datetime import datetime

from streaming.exceptions import LogCleaned
from streaming.hour import Hour
from streaming.lake.event_search import StoredMessage
from streaming.lake.layout import QUARANTINE
from streaming.lake.reader import Commit, Lake


def commit_of(lake: Lake, version: int, message: StoredMessage) -> Commit | None:
    """Return the commit that brought ``message`` into the lake; None if the log no longer has it.

    Args:
        lake: The lake.
        version: The newest version to look at.
        message: A row of that version. One that was reprocessed came with the quarantine of its arrival.
    """
    first = first_version_from(lake, version, message.ingested_at)
    if first is None:
        return None
    places = {(message.file.event_type, message.file.hour), (QUARANTINE, Hour.containing(message.kafka_timestamp))}
    commits = lake.commits(first - 1, version)
    return next((commit for commit in commits if places & {(f.event_type, f.hour) for f in commit.added}), None)


def oldest_version(lake: Lake, version: int) -> int:
    """Return the oldest version up to ``version`` whose entry the log still has."""
    low, high = 0, version
    while low < high:
        middle = (low + high) // 2
        try:
            list(lake.commits(middle - 1, middle))
        except LogCleaned:
            low = middle + 1
        else:
            high = middle
    return low


def first_version_from(lake: Lake, version: int, moment: datetime) -> int | None:
    """Return the first version that was committed at ``moment`` or later; None if the log no longer tells.

    Args:
        lake: The lake.
        version: The newest version to look at.
        moment: Aware.
    """
    low, high = 0, version + 1
    known = False
    while low < high:
        middle = (low + high) // 2
        try:
            [commit] = lake.commits(middle - 1, middle)
        except LogCleaned:
            low, known = middle + 1, False
            continue
        if commit.committed_at < moment:
            low, known = middle + 1, True
        else:
            high = middle
    return low if known or low == 0 else None
