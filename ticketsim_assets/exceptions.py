"""What can go wrong in ``ticketsim_assets``.

* AssetsError

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
"""


class AssetsError(Exception):
    """Base of every error that this package raises on purpose; its message names the value and the cure."""


class HourIncomplete(AssetsError):
    """An hour was to be loaded whose receipts or rows are not all in the lake."""


class LakeUnsound(AssetsError):
    """The lake's rows are not the offsets that the stream consumed: there is a gap or an overlap."""


class WarehouseBusy(AssetsError):
    """Another process has held the warehouse for longer than we wait."""


class WarehouseUnreadable(AssetsError):
    """The warehouse's file is no database that this version of DuckDB can open."""


class UnknownHour(AssetsError):
    """An hour was named that is no hour or has no partition."""


class RunFailed(AssetsError):
    """A Dagster run ended in failure."""


class NothingToReconcile(AssetsError):
    """There is no warehouse yet, or no hour in it that could be compared with its receipts."""


class DataprocNotSet(AssetsError):
    """Spark is to run on Dataproc, and the settings do not say where that is."""


class BigQueryNotSet(AssetsError):
    """The warehouse is to be BigQuery, and the settings do not say where that is."""


class LakeOutOfReach(AssetsError):
    """The lake lies where the warehouse cannot read it: BigQuery reads Google Cloud Storage only."""


class AlertRefused(AssetsError):
    """A webhook did not take the news of a run that failed."""
