"""The exceptions of Airflow's trigger for Dagster.

* TriggerError

  * DagsterUnreachable
  * DagsterRefused

    * UnknownPartition
    * AskedElsewhere
    * SensorStopped
  * HoursFailed
"""


class TriggerError(Exception):
    """Base of every error that this package raises on purpose; the message names the value and the cure."""


class DagsterUnreachable(TriggerError):
    """Dagster does not answer, or what answers is not Dagster. A retry may succeed."""


class DagsterRefused(TriggerError):
    """Dagster answered that it will not or cannot do what was requested."""


class UnknownPartition(DagsterRefused):
    """The hour of a run has no partition; Dagster itself would run it all the same."""


class AskedElsewhere(DagsterRefused):
    """Dagster's own sensor requests first loads, so there is nothing for Airflow to request."""


class SensorStopped(DagsterRefused):
    """The sensor that knows which hours are due was turned off in Dagster."""


class HoursFailed(TriggerError):
    """Requested runs did not succeed, or did not end in time."""
