"""The exceptions of ``streaming``.

* StreamingError

  * LocationRefused
  * NoLake
  * LogCleaned
  * LogGarbled
  * RecordGarbled
  * UnknownRun
  * UnknownEvent

  * NoJava
  * JarsUnavailable
  * SparkNotStarted

  * LeaseHeld
  * LeaseLost
  * LakeSchemaDiffers
  * BrokerUnreachable
  * BucketUnreachable
  * TopicMissing
  * TopicRecreated
  * DataLost
  * TransactionOpen
  * CheckpointWithoutLake
  * CheckpointDiffers
  * DiskFull
  * StreamFailed

  * TurnGivenUp
  * ReprocessFailed
  * DayNotClosed
  * RetentionTooShort
"""


class StreamingError(Exception):
    """Base of every error that this package raises on purpose; the message names the value and the cure."""


class LocationRefused(StreamingError):
    """A path or bucket cannot be used, because a library would misread it or it is not a directory."""


class NoJava(StreamingError):
    """This machine has no Java that can run Spark and Kafka."""


class JarsUnavailable(StreamingError):
    """The jars are not in the cache and cannot be downloaded."""


class SparkNotStarted(StreamingError):
    """Spark's JVM ended before it answered."""


class NoLake(StreamingError):
    """The lake's table does not exist yet."""


class LogCleaned(StreamingError):
    """The log entry of a requested commit has been removed by the log's retention."""


class LogGarbled(StreamingError):
    """The log entry of a commit is not what Delta writes: a loss of power, or a disk that failed."""


class RecordGarbled(StreamingError):
    """A record of a forgotten run is not what was written."""


class UnknownRun(StreamingError):
    """The lake has no such run, or it was not forgotten."""


class UnknownEvent(StreamingError):
    """No station knows the event, its id is no event's id, or several events have it."""


class LeaseHeld(StreamingError):
    """Another process is writing this lake."""


class LeaseLost(StreamingError):
    """The lease expired because this process did not renew it; another process may be writing this lake."""


class LakeSchemaDiffers(StreamingError):
    """The lake's table has another schema than the one that this release writes."""


class BrokerUnreachable(StreamingError):
    """The broker does not answer."""


class BucketUnreachable(StreamingError):
    """The bucket of the lake does not answer, or denies access."""


class TopicMissing(StreamingError):
    """The broker lacks one of the contract's topics."""


class TopicRecreated(StreamingError):
    """A topic was recreated: it has the name, but not the id of the one that the lake was filled from."""


class DataLost(StreamingError):
    """Messages that the lake does not hold yet are no longer in Kafka."""


class TransactionOpen(StreamingError):
    """The lake holds records of a producer's transaction that has not ended yet."""


class CheckpointWithoutLake(StreamingError):
    """The checkpoint records committed batches, but the lake that should hold them does not exist."""


class CheckpointDiffers(StreamingError):
    """The checkpoint and the lake are at different offsets."""


class DiskFull(StreamingError):
    """There is no room left for the lake or the checkpoint."""


class StreamFailed(StreamingError):
    """The query failed repeatedly, or in a way that a restart does not cure."""


class TurnGivenUp(StreamingError):
    """The process was stopped while it waited for its turn to commit."""


class ReprocessFailed(StreamingError):
    """The quarantine could not be reprocessed without risk to the lake."""


class DayNotClosed(StreamingError):
    """A day cannot be compacted before it is over."""


class RetentionTooShort(StreamingError):
    """A vacuum would remove files that readers may still need."""
