"""What can go wrong in ``streaming``.

* StreamingError

  * NoLake
  * LogCleaned

  * NoJava
  * JarsUnavailable

  * LeaseHeld
  * LeaseLost
  * LakeSchemaDiffers
  * BrokerUnreachable
  * BucketUnreachable
  * TopicMissing
  * TopicRecreated
  * DataLost
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
    """Base of every error that this package raises on purpose; its message names the value and the cure."""


class NoJava(StreamingError):
    """There is no Java on this machine that Spark and Kafka can run on."""


class JarsUnavailable(StreamingError):
    """The jars are not in the cache and cannot be downloaded."""


class NoLake(StreamingError):
    """The lake's table does not exist yet."""


class LogCleaned(StreamingError):
    """A commit was asked for whose log entry has been removed by the log's retention."""


class LeaseHeld(StreamingError):
    """Somebody else writes this lake."""


class LeaseLost(StreamingError):
    """Somebody else writes this lake by now, because this process was not heard of for too long."""


class LakeSchemaDiffers(StreamingError):
    """The lake's table is not the one that this release writes."""


class BrokerUnreachable(StreamingError):
    """The broker does not answer."""


class BucketUnreachable(StreamingError):
    """The bucket of the lake does not answer, or does not let us in."""


class TopicMissing(StreamingError):
    """The broker lacks one of the contract's topics."""


class TopicRecreated(StreamingError):
    """A topic is not the one that the lake was filled from, only one of the same name."""


class DataLost(StreamingError):
    """Messages that the lake does not hold yet are no longer in Kafka."""


class CheckpointWithoutLake(StreamingError):
    """The checkpoint says that messages were written, but the lake that holds them is not there."""


class CheckpointDiffers(StreamingError):
    """The checkpoint does not stand where the lake stands."""


class DiskFull(StreamingError):
    """There is no room left for the lake or the checkpoint."""


class StreamFailed(StreamingError):
    """The query failed again and again, or in a way that starting it again does not cure."""


class TurnGivenUp(StreamingError):
    """A process was stopped while it waited for its turn to commit."""


class ReprocessFailed(StreamingError):
    """A replay of the quarantine found a lake that it could not change soundly."""


class DayNotClosed(StreamingError):
    """A day was to be compacted that is not over."""


class RetentionTooShort(StreamingError):
    """Files were to be removed that readers may still need."""
