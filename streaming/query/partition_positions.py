"""The position at which a stream without a checkpoint resumes: what the lake holds compared with what Kafka holds.

The same comparison finds what was lost: messages that follow those of the lake and are no longer in Kafka.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from streaming.exceptions import BrokerUnreachable, DataLost, TransactionOpen
from streaming.kafka.offsets import TopicOffsets, topic_offsets, written_ends
from streaming.kafka.topic_ids import known_topics, topic_ids
from streaming.lake.committed_offsets import next_offsets
from streaming.lake.losses import Loss, Losses, read_losses
from streaming.lake.offset_gaps import OffsetGap, OffsetGaps, read_gaps
from streaming.lake.reader import Lake
from streaming.topic_partition import TopicPartition

#: Spark's word for "the first offset that the partition still has".
_EARLIEST: Final = -2

#: What every message about a loss ends with.
LOSS_CURE: Final = (
    "`ticketsim stream --accept-loss --dry-run` shows what is lost, without --dry-run the loss is recorded and the "
    "stream resumes (docs/runbook.md, 'Messages are gone from Kafka')"
)


@dataclass(frozen=True, slots=True)
class PartitionPosition:
    """One partition of a topic: what the lake holds, what Kafka holds, where to resume, and what is lost."""

    topic: str
    partition: int
    lake: int | None  #: next offset after the lake's rows; None if it holds none of this partition
    kafka: TopicOffsets | None  #: None if the topic has no such partition (any more)
    resumes_at: int  #: first offset to read, or to expect where Kafka lacks the partition
    first_lost: int | None = None  #: None: nothing is lost
    end_lost: int | None = None  #: one past the last offset lost; None: nothing is lost, or nobody can know
    why: str | None = None  #: why something is lost

    @property
    def name(self) -> str:
        """``topic/partition``."""
        return str(TopicPartition(self.topic, self.partition))

    @property
    def lost(self) -> bool:
        """Whether messages that the lake needs are gone."""
        return self.first_lost is not None


@dataclass(frozen=True, slots=True)
class Resumption:
    """Where each partition resumes."""

    places: tuple[PartitionPosition, ...]
    topic_ids: Mapping[str, str]  #: the broker's, per topic
    known_ids: Mapping[str, str]  #: those that the lake was filled from
    losses: Losses  #: recorded before
    gaps: OffsetGaps  #: offsets known to have no record

    @property
    def committed(self) -> dict[str, int]:
        """The lake's next offset per ``topic/partition`` that it knows."""
        return {place.name: place.lake for place in self.places if place.lake is not None}

    @property
    def resumed_ids(self) -> dict[str, str]:
        """The id of each topic that the lake is filled from, once it resumes from what the broker has."""
        return {**self.known_ids, **self.topic_ids}

    @property
    def lost(self) -> tuple[PartitionPosition, ...]:
        """Partitions that have lost messages, not recorded yet."""
        return tuple(place for place in self.places if place.lost)

    def starting_offsets(self) -> str:
        """Return Kafka's ``startingOffsets`` for every partition that Kafka has."""
        if not self.committed:
            return "earliest"
        offsets: dict[str, dict[str, int]] = defaultdict(dict)
        for place in self.places:
            if place.kafka is not None:
                offsets[place.topic][str(place.partition)] = _EARLIEST if place.lake is None else place.resumes_at
        return json.dumps(offsets)

    def require_no_loss(self) -> None:
        """Raise DataLost if messages are gone from Kafka that the lake does not hold."""
        if self.lost:
            raise DataLost(f"{'; '.join(map(_loss_sentence, self.lost))}. {LOSS_CURE}.")

    def losses_accepted(self, resumed_at: datetime, accepted_at: datetime, lake_version: int) -> list[Loss]:
        """Return what to record so that the stream may resume."""
        return [
            Loss(
                topic=place.topic,
                partition=place.partition,
                first_lost=place.first_lost or 0,
                end_lost=place.end_lost,
                resumes_at=place.resumes_at,
                resumed_at=resumed_at,
                accepted_at=accepted_at,
                lake_version=lake_version,
                old_topic_id=self.known_ids.get(place.topic),
                new_topic_id=self.topic_ids[place.topic],
                why=place.why or "",
            )
            for place in self.lost
        ]


def survey(bootstrap: str, lake: Lake, unrecorded: Iterable[OffsetGap] = ()) -> Resumption:
    """Compare ``lake`` with what the broker holds now.

    Args:
        bootstrap: Kafka's bootstrap servers.
        lake: The lake; it need not exist.
        unrecorded: Gaps that were found and are not recorded in the lake yet.

    Raises:
        BrokerUnreachable, TopicMissing: The broker does not answer, or lacks a topic.
        TransactionOpen: The lake holds records of a transaction that is not committed yet.
    """
    ids = topic_ids(bootstrap)
    log = topic_offsets(bootstrap)
    if log is None:
        raise BrokerUnreachable(f"the broker {bootstrap} does not return its offsets. Is it still starting?")
    losses = read_losses(lake)
    gaps = read_gaps(lake).and_also(unrecorded)
    known = ids_of_lake(lake, losses)
    recreated = {topic for topic, topic_id in ids.items() if known.get(topic, topic_id) != topic_id}
    committed = next_offsets(lake, losses, gaps)
    _require_no_open_transaction(bootstrap, log, committed, recreated)
    return Resumption(compare(log, committed, recreated), ids, known, losses, gaps)


def ids_of_lake(lake: Lake, losses: Losses) -> dict[str, str]:
    """Return the ids of the topics that ``lake`` was filled from, as far as they are known.

    An acceptance that was interrupted has recorded the loss, but not yet the new ids.
    """
    return {**known_topics(lake.root), **losses.topic_ids()}


def _require_no_open_transaction(
    bootstrap: str, log: Mapping[str, TopicOffsets], committed: Mapping[str, int], recreated: Collection[str]
) -> None:
    """Refuse a lake that is ahead of the committed records: an earlier release has read uncommitted ones."""
    ahead = {
        name: following
        for name, following in committed.items()
        if name in log and following > log[name].end and TopicPartition.parse(name).topic not in recreated
    }
    written = (written_ends(bootstrap) or {}) if ahead else {}
    for name, following in ahead.items():
        if following <= written.get(name, 0):
            raise TransactionOpen(
                f"the lake holds {name} up to offset {following - 1}, but a producer's transaction that began at "
                f"offset {log[name].end} is still open. Wait until it ends, or end it with Kafka's "
                "kafka-transactions.sh (find-hanging, abort), and start the stream again."
            )


def compare(
    log: Mapping[str, TopicOffsets], committed: Mapping[str, int], recreated: Iterable[str] = ()
) -> tuple[PartitionPosition, ...]:
    """Compare each partition that Kafka or the lake knows, sorted by topic and number.

    Args:
        log: What Kafka holds, per ``topic/partition``.
        committed: The lake's next offset, per ``topic/partition``.
        recreated: Topics that are not those that the lake was filled from.
    """
    places = sorted(TopicPartition.parse(name) for name in {*log, *committed})
    return tuple(
        _compare(place, log.get(str(place)), committed.get(str(place)), place.topic in recreated) for place in places
    )


def _compare(
    place: TopicPartition, held: TopicOffsets | None, following: int | None, recreated: bool
) -> PartitionPosition:
    begin = held.earliest if held else 0

    def lost(end: int | None, why: str) -> PartitionPosition:
        return PartitionPosition(*place, following, held, begin, following or 0, end, why)

    if recreated:
        return lost(None, "the topic was deleted and created again")
    if following is None:
        return PartitionPosition(*place, None, held, begin)
    if held is None:
        return lost(None, "the partition is no longer there")
    if following > held.end:
        return lost(None, "Kafka's log ends before what the lake holds: the broker has lost data")
    if following < held.earliest:
        return lost(held.earliest, "the messages were removed from Kafka before the stream read them")
    return PartitionPosition(*place, following, held, following)


def _loss_sentence(place: PartitionPosition) -> str:
    holds = (
        "Kafka has no such partition"
        if place.kafka is None
        else f"Kafka holds offsets {place.kafka.earliest} to {place.kafka.end - 1}"
        if place.kafka.end > place.kafka.earliest
        else f"Kafka holds nothing, its next offset is {place.kafka.end}"
    )
    return f"the lake resumes at offset {place.lake or 0} of {place.name}, but {holds} ({place.why})"
