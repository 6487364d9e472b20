"""Guarantee 1 (docs/guarantees.md): the rows of the lake cover Kafka's offsets, with no gap and no overlap.

Offsets count within a *log*: a partition from where the stream began to read it, or went on after a recorded loss
(`streaming.lake.losses`), up to the next loss. Within a log they follow one another, a log begins where its loss says
that the stream resumed, and the log before ends where the loss begins. So what was lost, and only that, is subtracted.
Offsets at which Kafka itself holds no record (`streaming.lake.offset_gaps`) need no row, and may have none.

Checked incrementally: the state after the last green check is the next offset of every topic and partition, and only
files of newer commits are read. A commit that removes rows is sound if it adds the same ones again, as a replay of the
quarantine does. Once something is wrong the whole table is looked at, so that a repaired lake turns green again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb
import pyarrow as pa

from streaming.exceptions import LogCleaned
from streaming.lake.duckdb_files import able_to_read
from streaming.lake.losses import Losses, read_losses
from streaming.lake.offset_gaps import OffsetGaps, read_gaps
from streaming.lake.reader import Commit, Lake, Snapshot
from streaming.offset_span import Span, clipped, next_outside, offsets_in, without
from streaming.topic_partition import TopicPartition

_RANGES = """
with resumptions as (select topic, kafka_partition, resumed_at, log from losses)
select
    rows.topic,
    rows.kafka_partition,
    coalesce(resumptions.log, 0),
    min(rows.kafka_offset),
    max(rows.kafka_offset),
    count(*),
    count(distinct rows.kafka_offset),
    0
from read_parquet(?, hive_partitioning = false) as rows
asof left join resumptions
    on rows.topic = resumptions.topic
    and rows.kafka_partition = resumptions.kafka_partition
    and rows.ingested_at >= resumptions.resumed_at
group by all
order by all
"""

_ROWS_IN_GAPS = """
with resumptions as (select topic, kafka_partition, resumed_at, log from losses),

logged as (
    select rows.topic, rows.kafka_partition, coalesce(resumptions.log, 0) as log, rows.kafka_offset
    from read_parquet(?, hive_partitioning = false) as rows
    asof left join resumptions
        on rows.topic = resumptions.topic
        and rows.kafka_partition = resumptions.kafka_partition
        and rows.ingested_at >= resumptions.resumed_at
)

select logged.topic, logged.kafka_partition, logged.log, count(*)
from logged
inner join gaps
    on logged.topic = gaps.topic
    and logged.kafka_partition = gaps.kafka_partition
    and logged.log = gaps.log
    and logged.kafka_offset >= gaps.first_offset
    and logged.kafka_offset < gaps.end_offset
group by all
"""

_LOST_OR_ADDED = """
select topic, kafka_partition, kafka_offset, ingested_at
from (
    select topic, kafka_partition, kafka_offset, ingested_at, -1 as change
    from read_parquet(?, hive_partitioning = false)
    union all
    select topic, kafka_partition, kafka_offset, ingested_at, 1 from read_parquet(?, hive_partitioning = false)
)
group by all
having sum(change) <> 0
limit 1
"""

_LOSSES = pa.schema(
    [
        ("topic", pa.string()),
        ("kafka_partition", pa.int32()),
        ("resumed_at", pa.timestamp("us", tz="UTC")),
        ("log", pa.int32()),
    ]
)

_GAPS = pa.schema(
    [
        ("topic", pa.string()),
        ("kafka_partition", pa.int32()),
        ("log", pa.int32()),
        ("first_offset", pa.int64()),
        ("end_offset", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """Offsets of one log of a topic and partition found in a set of files."""

    topic: str
    partition: int
    log: int  #: how many losses were recorded before it
    first: int
    last: int
    rows: int
    distinct: int
    in_gaps: int  #: rows at offsets that hold no record in Kafka

    @property
    def name(self) -> str:
        """``topic/partition``."""
        return str(TopicPartition(self.topic, self.partition))


@dataclass(frozen=True, slots=True)
class OffsetState:
    """The lake is sound up to ``version``; the next row of each ``topic/partition`` has the offset given."""

    version: int = -1
    next_offsets: Mapping[str, int] = field(default_factory=dict)
    logs: Mapping[str, int] = field(default_factory=dict)  #: the log that it is in; 0 where nothing was lost


@dataclass(frozen=True, slots=True)
class OffsetVerdict:
    """What a check found: ``state`` to go on from, and one sentence per gap or overlap."""

    state: OffsetState
    problems: tuple[str, ...]
    losses: tuple[str, ...] = ()  #: one sentence per loss that was recorded and accepted

    @property
    def sound(self) -> bool:
        """Whether the lake holds each consumed offset once."""
        return not self.problems


def follow_offsets(
    ranges: Iterable[OffsetRange], state: OffsetState, losses: Losses, gaps: OffsetGaps
) -> tuple[OffsetState, list[str]]:
    """Follow each topic and partition from ``state`` through what was found and what was recorded as lost.

    Args:
        ranges: offsets found, one range per topic, partition and log.
        state: where to begin; a partition that it does not name may begin anywhere.
        losses: what was recorded as lost.
        gaps: offsets that have no record in Kafka.

    Returns:
        Where the partitions end, at the version of ``state``, and one sentence per gap or overlap.
    """
    found: dict[str, dict[int, OffsetRange]] = {}
    for each in ranges:
        found.setdefault(each.name, {})[each.log] = each
    ends, logs, problems = dict(state.next_offsets), dict(state.logs), []
    for name in sorted({*found, *losses.of_place, *gaps.of_place}):
        expected, begun = state.next_offsets.get(name), state.logs.get(name, 0)
        of_place, in_logs = losses.of_place.get(name, ()), found.get(name, {})
        problems += [
            f"{name}: offset {in_logs[log].first} was added to a log that had ended" for log in in_logs if log < begun
        ]
        for log in range(begun, len(of_place) + 1):
            if log > begun:
                loss = of_place[log - 1]
                if expected is not None and expected != loss.first_lost:
                    problems.append(
                        f"{name}: the log ends at offset {expected}, and the loss begins at {loss.first_lost}"
                    )
                expected = loss.resumes_at
            spans = gaps.spans(name, losses, log)
            if log in in_logs:
                problems += _problems(in_logs[log], expected, spans)
                expected = in_logs[log].last + 1
            if expected is None and spans:
                expected = spans[0].first
            if expected is not None:
                expected = next_outside(expected, spans)
        if expected is not None:
            ends[name] = expected
        if of_place:
            logs[name] = len(of_place)
    return OffsetState(state.version, ends, logs), problems


def _problems(found: OffsetRange, expected: int | None, gaps: list[Span]) -> list[str]:
    problems = []
    start = expected if expected is not None else min([found.first, *(span.first for span in gaps)])
    problems += [
        f"{found.name}: offsets {missing.first} to {missing.end - 1} are missing"
        for missing in without([Span(start, found.first)], gaps)
    ]
    if found.first < start:
        problems.append(f"{found.name}: offset {found.first} was committed again, {start} was next")
    if found.rows > found.distinct:
        problems.append(f"{found.name}: {found.rows - found.distinct} offsets are there more than once")
    if found.in_gaps:
        problems.append(f"{found.name}: {found.in_gaps} rows have offsets at which Kafka holds no record")
    held = Span(found.first, found.last + 1)
    missing_between = offsets_in([held]) - offsets_in(clipped(gaps, held)) - found.distinct + found.in_gaps
    if missing_between > 0:
        problems.append(f"{found.name}: {missing_between} offsets between {found.first} and {found.last} are missing")
    return problems


def check_offsets(lake: Lake, snapshot: Snapshot, state: OffsetState) -> OffsetVerdict:
    """Check what was committed after ``state``, or the whole table where new commits cannot tell.

    Args:
        lake: whose log to read.
        snapshot: the version up to which to check.
        state: where the last green check ended; a fresh one for the first check.
    """
    losses, gaps = read_losses(lake).known_at(snapshot.version), read_gaps(lake)
    sentences = tuple(map(str, losses))
    counts = {name: len(of_place) for name, of_place in losses.of_place.items()}
    if state.version == snapshot.version and state.logs == counts:
        # What has no record may become known when no row follows any more.
        ends, _ = follow_offsets([], state, losses, gaps)
        return OffsetVerdict(ends, (), sentences)
    if 0 <= state.version <= snapshot.version:
        try:
            grown = _grown(snapshot.root, lake.commits(state.version, snapshot.version), state, losses, gaps)
        except (LogCleaned, duckdb.IOException):  # or files were, which a newer version no longer needs
            grown = None
        if grown is not None:
            return OffsetVerdict(OffsetState(snapshot.version, grown.next_offsets, grown.logs), (), sentences)
    ranges = _ranges([snapshot.uri(file) for file in snapshot.files()], losses, gaps)
    ends, problems = follow_offsets(ranges, OffsetState(), losses, gaps)
    problems += _shrunk(ends, state)
    if problems:
        return OffsetVerdict(state, tuple(problems), sentences)
    return OffsetVerdict(OffsetState(snapshot.version, ends.next_offsets, ends.logs), (), sentences)


def _grown(
    root: str, commits: Iterable[Commit], state: OffsetState, losses: Losses, gaps: OffsetGaps
) -> OffsetState | None:
    """Return the state after ``commits``; None if they did anything but append the next rows, or move rows."""
    appended = []
    for commit in commits:
        added = [f"{root}/{file.path}" for file in commit.added]
        if not commit.removed:
            appended += added
        elif not added or _differ([f"{root}/{file.path}" for file in commit.removed], added):
            return None
    grown, problems = follow_offsets(_ranges(appended, losses, gaps), state, losses, gaps)
    return None if problems else grown


def _differ(before: list[str], after: list[str]) -> bool:
    """Return whether any row occurs in the files ``before`` and ``after`` a different number of times."""
    with able_to_read(duckdb.connect(), before[0]) as connection:
        return connection.execute(_LOST_OR_ADDED, [before, after]).fetchone() is not None


def _shrunk(now: OffsetState, before: OffsetState) -> list[str]:
    """Ends that lie before an end already seen: the newest rows are gone, which leaves no gap behind."""
    return [
        f"{name}: offsets {now.next_offsets.get(name, 0)} to {end - 1} were committed and are missing"
        for name, end in sorted(before.next_offsets.items())
        if now.logs.get(name, 0) == before.logs.get(name, 0) and now.next_offsets.get(name, 0) < end
    ]


def _ranges(paths: list[str], losses: Losses, gaps: OffsetGaps) -> list[OffsetRange]:
    if not paths:
        return []
    numbered = [
        (loss.topic, loss.partition, loss.resumed_at, log)
        for of_place in losses.of_place.values()
        for log, loss in enumerate(of_place, start=1)
    ]
    without_record = [
        (*TopicPartition.parse(name), log, *span)
        for name in gaps.of_place
        for log in range(len(losses.of_place.get(name, ())) + 1)
        for span in gaps.spans(name, losses, log)
    ]
    with able_to_read(duckdb.connect(), paths[0]) as connection:
        connection.register("losses", _table(numbered, _LOSSES))
        ranges = [OffsetRange(*row) for row in connection.execute(_RANGES, [paths]).fetchall()]
        if not without_record:
            return ranges
        connection.register("gaps", _table(without_record, _GAPS))
        in_gaps = {tuple(place): rows for *place, rows in connection.execute(_ROWS_IN_GAPS, [paths]).fetchall()}
    return [replace(each, in_gaps=in_gaps.get((each.topic, each.partition, each.log), 0)) for each in ranges]


def _table(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.table([list(column) for column in columns], schema=schema)
