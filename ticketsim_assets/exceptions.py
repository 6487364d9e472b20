"""The exceptions of ``ticketsim_assets``.

* AssetsError

  * SettingsRefused
  * HourIncomplete
  * LakeUnsound
  * WarehouseBusy
  * WarehouseUnreadable
  * UnknownHour
  * RunFailed
  * NothingToReconcile
  * DataprocNotSet
  * BigQueryNotSet
  * LakeOutOfReach
  * AlertRefused
  * LineageUnknown
"""


class AssetsError(Exception):
    """Base of every error that this package raises on purpose; the message names the value and the cure."""


class SettingsRefused(AssetsError):
    """An environment variable ``TICKETSIM_*`` has a value that it cannot have."""


class HourIncomplete(AssetsError):
    """An hour cannot be loaded because receipts or rows of it are missing in the lake."""


class LakeUnsound(AssetsError):
    """The lake's rows do not match the consumed offsets: there is a gap or an overlap."""


class WarehouseBusy(AssetsError):
    """Another process held the warehouse for longer than the wait policy allows."""


class WarehouseUnreadable(AssetsError):
    """The warehouse's file is not a database that this version of DuckDB can open."""


class UnknownHour(AssetsError):
    """The hour is invalid or has no partition."""


class RunFailed(AssetsError):
    """A Dagster run failed."""


class NothingToReconcile(AssetsError):
    """There is no warehouse yet, or no hour in it to compare with receipts."""


class DataprocNotSet(AssetsError):
    """Spark should run on Dataproc, but the settings do not name the cluster."""


class BigQueryNotSet(AssetsError):
    """The warehouse should be BigQuery, but the settings do not name its project and location."""


class LakeOutOfReach(AssetsError):
    """The warehouse cannot read the lake's location: BigQuery reads Google Cloud Storage only."""


class AlertRefused(AssetsError):
    """A webhook did not accept the alert for a failed run."""


class LineageUnknown(AssetsError):
    """The SQL of a model cannot be read, so the origin of its columns is unknown."""
