"""The quarantine rate: how many of an hour's messages break the contract, and why, from the newest commits only."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import pyarrow.parquet as pq

from streaming.exceptions import LogCleaned
from streaming.hour import Hour
from streaming.lake.layout import QUARANTINE
from streaming.lake.reader import Commit, Lake, Snapshot
from streaming.storage import arrow_filesystem

#: Two hours of commits every five seconds; of a faster stream only the newest commits count.
MAX_COMMITS: Final = 1_500


@dataclass(slots=True)
class HourRate:
    """What the stream committed in one hour of wall clock."""

    hour: Hour  #: of the commits: a backfill's messages are of other hours
    rows: int = 0
    reasons: Counter[str] = field(default_factory=Counter)  #: of the messages that broke the contract

    @property
    def quarantined(self) -> int:
        """The number of messages that break the contract."""
        return self.reasons.total()

    @property
    def rate(self) -> float:
        """Their share of all messages, 0 to 1."""
        return self.quarantined / self.rows if self.rows else 0.0

    def __str__(self) -> str:
        """Describe the hour in one line, the most frequent reasons first."""
        reasons = ", ".join(f"{reason} ({count:,})" for reason, count in self.reasons.most_common(5))
        return (
            f"{self.hour}: {self.quarantined:,} of {self.rows:,} messages ({self.rate:.1%}) are quarantined: {reasons}"
        )


def newest_rates(lake: Lake, snapshot: Snapshot, now: datetime) -> list[HourRate]:
    """Return the rates of the current and the previous hour, newest first, without hours that had no commit.

    Commits are read backwards from the newest until one is older than that, so the cost does not grow with history.
    """
    present = Hour.containing(now)
    rates = {hour: HourRate(hour) for hour in (present, present.previous)}
    for commit in _backwards(lake, snapshot.version):
        rate = rates.get(Hour.containing(commit.committed_at))
        if rate is None:
            break
        if commit.removed:  # reprocessing: these messages were counted on arrival
            continue
        rate.rows += sum(file.rows for file in commit.added)
        for file in commit.added:
            if file.event_type == QUARANTINE:
                rate.reasons.update(_reasons(snapshot.uri(file)))
    return [rate for rate in rates.values() if rate.rows]


def _backwards(lake: Lake, newest: int) -> Iterable[Commit]:
    for version in range(newest, max(-1, newest - MAX_COMMITS), -1):
        try:
            yield from lake.commits(version - 1, version)
        except LogCleaned:
            return


def _reasons(path: str) -> Counter[str]:
    try:
        read = pq.read_table(path, columns=["reason"], partitioning=None, filesystem=arrow_filesystem(path))
    except FileNotFoundError:  # compacted or moved, and vacuumed since
        return Counter()
    counted = read["reason"].value_counts().to_pylist()
    return Counter({each["values"]: each["counts"] for each in counted})
