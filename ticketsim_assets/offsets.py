"""Law 1: rows committed to the lake = Kafka offsets consumed, per topic and partition, with no gap and no overlap.

Checked incrementally: the state after the last green check is the next offset of every topic and partition, and only
files of newer commits are read. A commit that removes rows is sound if it adds the same ones again, as a replay of the
quarantine does. Once something is wrong the whole table is looked at, so that a repaired lake turns green again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import duckdb

from streaming.exceptions import LogCleaned
from streaming.lake import Commit, Lake, Snapshot

_RANGES = """
select topic, kafka_partition, min(kafka_offset), max(kafka_offset), count(*), count(distinct kafka_offset)
from read_parquet(?, hive_partitioning = false)
group by all
order by all
"""

_LOST_OR_ADDED = """
select topic, kafka_partition, kafka_offset
from (
    select topic, kafka_partition, kafka_offset, -1 as change from read_parquet(?, hive_partitioning = false)
    union all
    select topic, kafka_partition, kafka_offset, 1 from read_parquet(?, hive_partitioning = false)
)
group by all
having sum(change) <> 0
limit 1
"""


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """Offsets of one topic and partition found in a set of files."""

    topic: str
    partition: int
    first: int
    last: int
    rows: int
    distinct: int

    @property
    def name(self) -> str:
        """``topic/partition``."""
        return f"{self.topic}/{self.partition}"


@dataclass(frozen=True, slots=True)
class OffsetState:
    """The lake is sound up to ``version``; the next row of each ``topic/partition`` has the offset given."""

    version: int = -1
    next_offsets: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OffsetVerdict:
    """What a check found: ``state`` to go on from, and one sentence per gap or overlap."""

    state: OffsetState
    problems: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether the lake holds each consumed offset once."""
        return not self.problems


def judge(ranges: Iterable[OffsetRange], expected: Mapping[str, int]) -> list[str]:
    """One sentence per range that has gaps or overlaps within itself or with the next offset expected for it.

    Args:
        ranges: offsets found, one range per topic and partition.
        expected: next offset per ``topic/partition``; one that is not named may begin anywhere.
    """
    problems = []
    for found in ranges:
        start = expected.get(found.name, found.first)
        if found.first > start:
            problems.append(f"{found.name}: offsets {start} to {found.first - 1} are missing")
        elif found.first < start:
            problems.append(f"{found.name}: offset {found.first} was committed again, {start} was next")
        if found.rows > found.distinct:
            problems.append(f"{found.name}: {found.rows - found.distinct} offsets are there more than once")
        if (span := found.last - found.first + 1) > found.distinct:
            problems.append(
                f"{found.name}: {span - found.distinct} offsets between {found.first} and {found.last} are missing"
            )
    return problems


def check_offsets(lake: Lake, snapshot: Snapshot, state: OffsetState) -> OffsetVerdict:
    """Check what was committed after ``state``; look at the whole table where that cannot be told from new commits.

    Args:
        lake: whose log to read.
        snapshot: the version up to which to check.
        state: where the last green check ended; a fresh one for the first check.
    """
    if state.version == snapshot.version:
        return OffsetVerdict(state, ())
    if 0 <= state.version < snapshot.version:
        try:
            grown = _grown(snapshot.root, lake.commits(state.version, snapshot.version), state.next_offsets)
        except (LogCleaned, duckdb.IOException):  # or files were, which a newer version no longer needs
            grown = None
        if grown is not None:
            return OffsetVerdict(OffsetState(snapshot.version, grown), ())
    ranges = _ranges([snapshot.uri(file) for file in snapshot.files()])
    problems = judge(ranges, {})
    problems += _shrunk({found.name: found.last + 1 for found in ranges}, state.next_offsets)
    if problems:
        return OffsetVerdict(state, tuple(problems))
    return OffsetVerdict(OffsetState(snapshot.version, {found.name: found.last + 1 for found in ranges}), ())


def _grown(root: str, commits: Iterable[Commit], next_offsets: Mapping[str, int]) -> dict[str, int] | None:
    """The next offsets after ``commits``; None if they did anything but append what was next, or move rows."""
    appended = []
    for commit in commits:
        added = [f"{root}/{file.path}" for file in commit.added]
        if not commit.removed:
            appended += added
        elif not added or _differ([f"{root}/{file.path}" for file in commit.removed], added):
            return None
    ranges = _ranges(appended)
    if judge(ranges, next_offsets):
        return None
    return {**next_offsets, **{found.name: found.last + 1 for found in ranges}}


def _differ(before: list[str], after: list[str]) -> bool:
    """Whether any offset stands in the files ``before`` and ``after`` a different number of times."""
    with duckdb.connect() as connection:
        return connection.execute(_LOST_OR_ADDED, [before, after]).fetchone() is not None


def _shrunk(now: Mapping[str, int], before: Mapping[str, int]) -> list[str]:
    """Ends that lie before an end already seen: the newest rows are gone, which leaves no gap behind."""
    return [
        f"{name}: offsets {now.get(name, 0)} to {end - 1} were committed and are missing"
        for name, end in sorted(before.items())
        if now.get(name, 0) < end
    ]


def _ranges(paths: list[str]) -> list[OffsetRange]:
    if not paths:
        return []
    with duckdb.connect() as connection:
        return [OffsetRange(*row) for row in connection.execute(_RANGES, [paths]).fetchall()]
