"""What can go wrong in ``streaming``.

* StreamingError

  * NoLake
  * LogCleaned

  * NoJava
  * JarsUnavailable
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
