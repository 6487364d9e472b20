"""What can go wrong when Airflow asks Dagster.

* TriggerError

  * DagsterUnreachable
  * DagsterRefused

    * UnknownPartition
    * AskedElsewhere
    * SensorStopped
  * HoursFailed
"""


class TriggerError(Exception):
    """Base of every error that this package raises on purpose; its message names the value and the cure."""


class DagsterUnreachable(TriggerError):
    """Nobody answers at Dagster's address, or what answers is not Dagster. Waiting may cure it."""


class DagsterRefused(TriggerError):
    """Dagster answered that it will not or cannot do what was asked."""


class UnknownPartition(DagsterRefused):
    """A run was to be launched for an hour that has no partition; Dagster itself would run it all the same."""


class AskedElsewhere(DagsterRefused):
    """Dagster's own sensor asks for first loads, so there is nothing for Airflow to ask for."""


class SensorStopped(DagsterRefused):
    """The sensor that knows which hours are due was turned off in Dagster."""


class HoursFailed(TriggerError):
    """Runs that were asked for did not succeed, or did not end in time."""
