"""From the venue to the lake: what was produced, where it stood in Kafka, and what brought it into the lake."""

from collections.abc import Iterator, Mapping

from streaming.kafka.offsets import TopicOffsets, lag_per_topic
from streaming.lake.commit_search import commit_of
from streaming.lake.committed_offsets import next_offsets
from streaming.lake.event_search import EventName, FoundMessages, StoredMessage
from streaming.lake.losses import read_losses
from streaming.lake.offset_gaps import read_gaps
from streaming.lake.reader import Lake, Snapshot
from streaming.topic_partition import TopicPartition
from ticketsim.trace.hop import Hop


def produced(found: FoundMessages, name: EventName) -> Hop:
    """Return what the message itself says, or what the receipts of its venue do."""
    if found.valid:
        fields = found.valid[0].fields
        said = f"{fields['event_type']}, number {name.number:,} of venue {fields['venue_id']}, run {fields['run_id']}"
        return Hop("produced", True, fields["event_time"], said, {"sequence": name.number, "fields": fields})
    if found.newest_number and name.number <= found.newest_number:
        said = f"number {name.number:,}: its venue has sent receipts with numbers up to {found.newest_number:,}"
        return Hop("produced", True, None, said, {"sequence": name.number})
    return Hop("produced", None, None, f"number {name.number:,}; no receipt reaches it", {"sequence": name.number})


def arrivals(
    lake: Lake,
    snapshot: Snapshot,
    bootstrap: str,
    offsets: Mapping[str, TopicOffsets] | None,
    found: FoundMessages,
) -> Iterator[Hop]:
    """Yield where each copy stood in Kafka, then where the lake has it."""
    messages = sorted((*found.valid, *found.quarantined), key=lambda message: (message.ingested_at, message.offset))
    yield from (_in_kafka(message, offsets, bootstrap) for message in messages)
    if not messages:
        yield _not_in_lake(lake, offsets, bootstrap)
    elif not found.valid:
        yield Hop("lake", False, None, "not in the lake as an event: its bytes break the contract")
    yield from (_in_lake(lake, snapshot, message) for message in messages)


def _in_kafka(message: StoredMessage, offsets: Mapping[str, TopicOffsets] | None, bootstrap: str) -> Hop:
    place = TopicPartition(message.topic, message.partition)
    if offsets is None:
        held, note = None, f"as the lake's columns say: no broker at {bootstrap} was asked"
    else:
        log = offsets.get(str(place))
        held = log is not None and log.earliest <= message.offset < log.end
        note = "Kafka still has it" if held else "Kafka has removed it since"
    facts = {"topic": place.topic, "partition": place.partition, "offset": message.offset, "still_there": held}
    return Hop("kafka", True, message.kafka_timestamp, f"{place} offset {message.offset:,}; {note}", facts)


def _not_in_lake(lake: Lake, offsets: Mapping[str, TopicOffsets] | None, bootstrap: str) -> Hop:
    if offsets is None:
        return Hop("lake", False, None, f"not in the lake; no broker at {bootstrap} to ask what it has not read yet")
    lag = sum(lag_per_topic(offsets, next_offsets(lake, read_losses(lake), read_gaps(lake))).values())
    behind = f"it may be among {lag:,} messages that the stream has not read yet" if lag else "Kafka holds no more"
    return Hop("lake", False, None, f"not in the lake; {behind}", {"lag": lag})


def _in_lake(lake: Lake, snapshot: Snapshot, message: StoredMessage) -> Hop:
    commit = commit_of(lake, snapshot.version, message)
    moved = commit is not None and message.file.path not in {file.path for file in commit.added}
    facts = {
        "version": commit.version if commit else None,
        "committed_at": commit.committed_at if commit else None,
        "ingested_at": message.ingested_at,
        "file": snapshot.uri(message.file),
        "rewritten": moved,
        "reason": message.reason,
    }
    version = f"version {commit.version:,}" if commit else "a version that the log no longer has"
    rewritten = "; compaction or reprocessing has moved it to this file since" if moved else ""
    said = f"{version}, offset {message.offset:,}, {message.file.path}{rewritten}"
    at = commit.committed_at if commit else message.ingested_at
    if message.reason is None:
        return Hop("lake", True, at, said, facts)
    return Hop("quarantine", None, at, f"in quarantine, {message.reason}: {said}", facts)
