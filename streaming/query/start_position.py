"""The stream's start position: its checkpoint, the end of the lake, or past an accepted loss."""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from pyspark.sql import SparkSession
from upath import UPath

from streaming.exceptions import CheckpointDiffers, CheckpointWithoutLake
from streaming.kafka.topic_ids import remember_topics, require_same_topics
from streaming.lake.losses import newest_row, next_resumption, record_losses
from streaming.lake.offset_gaps import OffsetGap
from streaming.lake.reader import Lake
from streaming.query.checkpoint import examine, has_commits, query_id, set_aside
from streaming.query.partition_positions import Resumption, survey

log = logging.getLogger("streaming")


def survey_without_loss(bootstrap: str, lake: Lake, unrecorded: Iterable[OffsetGap] = ()) -> Resumption:
    """Compare lake and Kafka, and refuse losses.

    Args:
        bootstrap: Kafka's bootstrap servers.
        lake: The lake; it need not exist.
        unrecorded: Gaps that were found and are not recorded in the lake yet.

    Raises:
        BrokerUnreachable, TopicMissing: The broker does not answer, or lacks a topic.
        TopicRecreated, DataLost, TransactionOpen: The stream cannot resume from what Kafka holds.
    """
    resumption = survey(bootstrap, lake, unrecorded)
    require_same_topics(lake.root, resumption.topic_ids)
    resumption.require_no_loss()
    return resumption


def can_resume(checkpoint: UPath, resumption: Resumption, lake: Lake) -> bool:
    """Return whether the query can resume from its checkpoint; False if there is none, or only a part of one.

    Raises:
        CheckpointWithoutLake: Batches were committed to a lake that is no longer there.
        CheckpointDiffers: It belongs to another lake, or is a copy from another time.
    """
    if has_commits(checkpoint) and not resumption.committed:
        raise CheckpointWithoutLake(
            f"the checkpoint {checkpoint} belongs to a lake that is no longer at {lake.root}. Bring the lake back, "
            "or remove the checkpoint to read again everything that Kafka still holds."
        )
    fit = examine(checkpoint, resumption.committed, newest_committed_batch(checkpoint, lake))
    if not fit.usable and fit.complete:
        raise CheckpointDiffers(
            f"{fit.why}. It belongs to another lake, or is a copy from another time. Name the right one "
            "(--checkpoint), or resume where the lake ends: `ticketsim stream --recover --dry-run` shows what that "
            "means."
        )
    return fit.usable


def newest_committed_batch(checkpoint: UPath, lake: Lake) -> int | None:
    """Return the number of the newest batch of the checkpoint's query that the lake has; None if it has none."""
    query = query_id(checkpoint)
    return None if query is None else lake.newest_batch(query)


def set_aside_incomplete(checkpoint: UPath) -> None:
    """Leave an empty folder instead of a checkpoint that nothing can resume from."""
    if aside := set_aside(checkpoint):
        log.warning("the checkpoint was incomplete: it is now %s, and the stream resumes where the lake ends", aside)


def abandon_checkpoint(bootstrap: str, lake: Lake, checkpoint: UPath, accepting: SparkSession | None) -> None:
    """Set the checkpoint aside, so that the stream resumes where the lake ends, or past a loss that is accepted.

    A loss that was accepted before, in a run that was killed, leaves alone a checkpoint that was written since.

    The order matters to one who is killed in between. While the new topic ids are not remembered a plain start is
    refused, and before they are the old checkpoint, which counts in the old topic's offsets, is out of the way. What
    was recorded is found again and not recorded twice.

    Args:
        bootstrap: Kafka's bootstrap servers.
        lake: Its table exists, and the caller holds its lease.
        checkpoint: The query's folder.
        accepting: The session with which to record what is lost; None to refuse losses.

    Raises:
        TopicRecreated, DataLost: Messages are lost, and that is not accepted.
    """
    resumption = survey_without_loss(bootstrap, lake) if accepting is None else survey(bootstrap, lake)
    if accepting is not None and resumption.lost:
        now = datetime.now(UTC)
        stamped = newest_row(accepting, lake), resumption.gaps.found_at, resumption.losses.resumed_at
        resumed_at = next_resumption(now, *stamped)
        losses = resumption.losses_accepted(resumed_at, now, lake.snapshot().version)
        record_losses(accepting, lake, losses)
        for loss in losses:
            log.warning("recorded loss: %s", loss)
    newest_batch = newest_committed_batch(checkpoint, lake)
    fits = examine(checkpoint, resumption.committed, newest_batch).usable
    kept = accepting is not None and not resumption.lost and fits
    if not kept and (aside := set_aside(checkpoint)):
        log.info("the old checkpoint is now %s", aside)
    if accepting is not None:
        remember_topics(lake.root, resumption.resumed_ids)
