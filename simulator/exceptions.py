"""Exceptions of ``simulator``.

* SimulatorError

  * ScenarioError
  * RunError
  * EngineRefused
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
    """Base class of all expected errors of this package; the message names the value and the cure."""


class ScenarioError(SimulatorError):
    """A scenario is unknown, or one of its parameters is unknown, missing or invalid."""


class RunError(SimulatorError):
    """A parameter of a run is invalid: its start, length, pace, number of venues or id."""


class EngineRefused(SimulatorError):
    """The requested engine is not installed, or cannot do what is asked of it."""


class ChaosError(SimulatorError):
    """The requested faults are unknown or invalid."""


class WorkersFailed(SimulatorError):
    """Worker processes failed or died; the message names each and the reason."""


class SinkError(SimulatorError):
    """The destination of messages is invalid, or cannot be opened or written."""


class KafkaError(SinkError):
    """Kafka refused a request or cannot be reached."""


class KafkaUnreachable(KafkaError):
    """No broker answered before the timeout; ``undelivered`` messages of the run were lost."""

    def __init__(self, message: str, undelivered: int = 0) -> None:
        super().__init__(message)
        self.undelivered = undelivered


class KafkaSettingsRefused(KafkaError):
    """The environment variables ``TICKETSIM_KAFKA_*`` are invalid or contradict each other."""


class KafkaAccessDenied(KafkaError):
    """The broker refused the login, or a certificate was rejected; retrying would not help."""


class TopicsMissing(KafkaError):
    """The broker answers but lacks some of the topics; sending never creates them."""


class DeliveryFailed(KafkaError):
    """The broker permanently refused messages; ``undelivered`` messages of the run were lost."""

    def __init__(self, message: str, undelivered: int = 0) -> None:
        super().__init__(message)
        self.undelivered = undelivered


class EventLogRefused(SimulatorError):
    """An event log cannot be read or is not in the format of ``ticketsim replay``; nothing was sent.

    ``event`` is the number of the invalid event, from 1, and ``byte`` its offset, from 0; None if unknown.
    """

    def __init__(self, message: str, *, event: int | None = None, byte: int | None = None) -> None:
        super().__init__(message)
        self.event = event
        self.byte = byte


class PlanError(SimulatorError):
    """A parameter of a staffing plan is invalid: its seed, bounds, workers or the file of its plot."""


class TargetError(PlanError):
    """The target wait or percentile of a plan is invalid."""


class TargetUnreachable(PlanError):
    """No staffing, or none within the bounds, meets a plan's target."""
