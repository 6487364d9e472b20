"""What can go wrong in ``simulator``.

* SimulatorError

  * ScenarioError
  * RunError
  * ChaosError
  * WorkersFailed
  * EventLogRefused
  * SinkError

    * KafkaError

      * KafkaUnreachable
      * KafkaSettingsRefused
      * KafkaAccessDenied
      * TopicsMissing
      * DeliveryFailed

  * PlanError

    * TargetError
    * TargetUnreachable
"""


class SimulatorError(Exception):
    """Base of every error that this package raises on purpose; its message names the value and the cure."""


class ScenarioError(SimulatorError):
    """A scenario is unknown, or one of its parameters is unknown, missing or impossible."""


class RunError(SimulatorError):
    """A run was asked for that cannot be: its start, length, pace, number of venues or id."""


class ChaosError(SimulatorError):
    """Faults were asked for that are unknown or impossible."""


class WorkersFailed(SimulatorError):
    """Processes that simulate parts of a run have failed or died; the message names each and why."""


class SinkError(SimulatorError):
    """The place that messages were to go to cannot be understood, opened or written."""


class KafkaError(SinkError):
    """Kafka did not take what was sent, or cannot be asked."""


class KafkaUnreachable(KafkaError):
    """No broker answered for longer than the deadline; ``undelivered`` messages were lost with the run."""

    def __init__(self, message: str, undelivered: int = 0) -> None:
        super().__init__(message)
        self.undelivered = undelivered


class KafkaSettingsRefused(KafkaError):
    """The environment variables ``TICKETSIM_KAFKA_*`` say something impossible."""


class KafkaAccessDenied(KafkaError):
    """The broker refused the login, or its certificate or ours was not accepted; waiting would not help."""


class TopicsMissing(KafkaError):
    """The broker is there but some of the topics are not; they are never created by sending to them."""


class DeliveryFailed(KafkaError):
    """The broker refused messages for good; ``undelivered`` messages were lost with the run."""

    def __init__(self, message: str, undelivered: int = 0) -> None:
        super().__init__(message)
        self.undelivered = undelivered


class EventLogRefused(SimulatorError):
    """An event log cannot be read or is not of the shape that ``ticketsim replay`` understands; nothing was sent.

    ``event`` is the number of the event that is wrong, from 1, ``byte`` where it begins, from 0, where they are known.
    """

    def __init__(self, message: str, *, event: int | None = None, byte: int | None = None) -> None:
        super().__init__(message)
        self.event = event
        self.byte = byte


class PlanError(SimulatorError):
    """A staffing plan was asked for that cannot be: its seed, bounds, workers or the file of its plot."""


class TargetError(PlanError):
    """A plan's target wait or percentile is impossible."""


class TargetUnreachable(PlanError):
    """No staffing, or none within the bounds, meets a plan's target."""
