"""The stream's start position: its checkpoint, the end of the lake, or past an accepted loss."""

import logging
from datetime import UTC, datetime

from pyspark.sql import SparkSession
from upath import UPath

from streaming.exceptions import CheckpointDiffers, CheckpointWithoutLake
from streaming.kafka.topic_ids import remember_topics, require_same_topics
from streaming.lake.losses import newest_row, next_resumption, record_losses
from streaming.lake.reader import Lake
from streaming.query.checkpoint import examine, has_commits, set_aside
from streaming.query.resumption import Resumption, survey

log = logging.getLogger("streaming")


def survey_without_loss(bootstrap: str, lake: Lake) -> Resumption:
    """Compare lake and Kafka, and refuse losses.

    Raises:
        BrokerUnreachable, TopicMissing: The broker does not answer, or lacks a topic.
        TopicRecreated, DataLost: The stream cannot resume from what Kafka holds.
    """
    resumption = survey(bootstrap, lake)
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
    fit = examine(checkpoint, resumption.committed)
    if not fit.usable and fit.complete:
        raise CheckpointDiffers(
            f"{fit.why}. It belongs to another lake, or is a copy from another time. Name the right one "
            "(--checkpoint), or resume where the lake ends: `ticketsim stream --recover --dry-run` shows what that "
            "means."
        )
    return fit.usable


def set_aside_unless_usable(checkpoint: UPath, resumption: Resumption, lake: Lake) -> None:
    """Leave a checkpoint to resume from, or an empty folder; raises as ``can_resume``."""
    if not can_resume(checkpoint, resumption, lake) and (aside := set_aside(checkpoint)):
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
        resumed_at = next_resumption(now, newest_row(accepting, lake), resumption.losses)
        losses = resumption.losses_accepted(resumed_at, now, lake.snapshot().version)
        record_losses(accepting, lake, losses)
        for loss in losses:
            log.warning("recorded loss: %s", loss)
    kept = accepting is not None and not resumption.lost and examine(checkpoint, resumption.committed).usable
    if not kept and (aside := set_aside(checkpoint)):
        log.info("the old checkpoint is now %s", aside)
    if accepting is not None:
        remember_topics(lake.root, {**resumption.known_ids, **resumption.topic_ids})
