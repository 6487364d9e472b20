"""What can go wrong in ``simulator``.

* SimulatorError

  * ScenarioError
  * RunError
  * SinkError

    * KafkaError

      * KafkaUnreachable
      * TopicsMissing
      * DeliveryFailed
"""


class SimulatorError(Exception):
    """Base of every error that this package raises on purpose; its message names the value and the cure."""


class ScenarioError(SimulatorError):
    """A scenario is unknown, or one of its parameters is unknown, missing or impossible."""


class RunError(SimulatorError):
    """A run was asked for that cannot be: its start, length, pace, number of venues or id."""


class SinkError(SimulatorError):
    """The place that messages were to go to cannot be understood, opened or written."""


class KafkaError(SinkError):
    """Kafka did not take what was sent, or cannot be asked."""


class KafkaUnreachable(KafkaError):
    """No broker answered for longer than the deadline; ``undelivered`` messages were lost with the run."""

    def __init__(self, message: str, undelivered: int = 0) -> None:
        super().__init__(message)
        self.undelivered = undelivered


class TopicsMissing(KafkaError):
    """The broker is there but some of the topics are not; they are never created by sending to them."""


class DeliveryFailed(KafkaError):
    """The broker refused messages for good; ``undelivered`` messages were lost with the run."""

    def __init__(self, message: str, undelivered: int = 0) -> None:
        super().__init__(message)
        self.undelivered = undelivered
