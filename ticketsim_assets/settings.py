"""The one settings object: where Ticketsim reads and writes, from environment variables ``TICKETSIM_*``."""

from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from upath import UPath

from streaming.storage import absolute, in_bucket, path_of


class Settings(BaseSettings):
    """Where Ticketsim reads and writes; the defaults run on a laptop."""

    model_config = SettingsConfigDict(env_prefix="TICKETSIM_", frozen=True)

    home: Path = Path("data")
    """Folder of everything local: broker, lake, checkpoint, warehouse, Dagster home, page."""

    bootstrap: str = "127.0.0.1:19092"
    """Kafka's bootstrap servers, ``host:port[,host:port]``; by default ten thousand above Kafka's own 9092."""

    lake_uri: str | None = Field(default=None)
    """Root of the lake: a directory or ``gs://bucket/prefix``; default ``<home>/lake``."""

    warehouse: Literal["duckdb", "bigquery"] = "duckdb"
    """Engine of the warehouse: a file of this machine, or BigQuery, whose credentials are the machine's (ADC)."""

    bigquery_project: str = ""
    """Google Cloud project that has the datasets and pays for the queries."""

    bigquery_location: str = ""
    """Where its datasets are, e.g. ``europe-west1`` or ``EU``; the same as the lake's bucket."""

    bigquery_dataset_prefix: str = ""
    """Stands before the datasets' names ``raw``, ``staging`` and ``marts``, e.g. ``ticketsim_``."""

    bigquery_maximum_bytes_billed: int = Field(default=100_000_000_000, gt=0)
    """Bytes that one query may read; one that would read more is refused before it costs anything."""

    trigger: Literal["dagster", "airflow"] = "dagster"
    """Who asks for hours that are due for the first time: a Dagster sensor (laptop) or Airflow."""

    first_hour: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    """Start of the first hourly partition; earlier rows are reported as a warning, with their number."""

    spark: Literal["local", "dataproc"] = "local"
    """Where maintenance of the lake runs Spark: in a JVM of this machine, or as a job on a Dataproc cluster."""

    dataproc_project: str = ""
    """Google Cloud project of the Dataproc cluster."""

    dataproc_region: str = ""
    """Its region, e.g. ``europe-west1``."""

    dataproc_cluster: str = ""
    """Its name."""

    dataproc_code: str = ""
    """Folder of the code for Dataproc, ``gs://bucket/prefix``: ``maintenance.py``, ``ticketsim.zip`` and ``jars/``."""

    lag_warning: int = Field(default=100_000, gt=0)
    """Messages of a topic that the lake may lack before a warning; a live festival sends fewer in five minutes."""

    quarantine_warning: float = Field(default=0.01, gt=0, lt=1)
    """Part of an hour's messages that may break the contract before a warning."""

    lateness_minutes: float = Field(default=10.0, gt=0)
    """Wall-clock minutes after an hour's last commit before missing receipts stop holding it back."""

    reload_minutes: float = Field(default=2.0, ge=0)
    """Wall-clock minutes after its first late commit before a loaded hour is loaded again: a storm of late commits is
    one run per hour and interval."""

    page_url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    """Where people open the page, e.g. behind a server of the company's: the link on the page's asset in Dagster's UI.
    `ticketsim up`, which serves the page, sets it; default: no link."""

    alert_url: SecretStr | None = None
    """Webhook that is told of runs that fail, with a JSON object ``{"text": ...}``; default: nobody is told."""

    @cached_property
    def root(self) -> Path:
        """``home`` as an absolute path, so that it means the same in every process."""
        return self.home.expanduser().resolve()

    @property
    def lake(self) -> str:
        """Root of the lake, absolute."""
        return absolute(self.lake_uri or self.root / "lake")

    @property
    def lateness(self) -> timedelta:
        """``lateness_minutes`` as a duration."""
        return timedelta(minutes=self.lateness_minutes)

    @property
    def broker_port(self) -> int:
        """Where a local broker listens: the port of ``bootstrap``."""
        return int(self.bootstrap.rsplit(":", 1)[-1])

    @property
    def reload_after(self) -> timedelta:
        """``reload_minutes`` as a duration."""
        return timedelta(minutes=self.reload_minutes)

    @property
    def broker_dir(self) -> Path:
        """Data, configuration and log of the local broker."""
        return self.root / "broker"

    @property
    def checkpoint(self) -> UPath:
        """Checkpoint of the streaming query: in the lake's bucket if that is where the lake is, else inside of home."""
        return path_of(f"{self.lake}/checkpoint" if in_bucket(self.lake) else str(self.root / "checkpoint"))

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file that runs write; while one does, nobody else can open it."""
        return self.root / "warehouse.duckdb"

    @property
    def readers_path(self) -> Path:
        """A copy of the warehouse for readers, replaced after each run."""
        return self.root / "warehouse_readers.db"

    @property
    def dagster_home(self) -> Path:
        """Dagster's instance: its configuration, runs and event log."""
        return self.root / "dagster"

    @property
    def dashboard_path(self) -> Path:
        """The page."""
        return self.root / "dashboard" / "index.html"

    @property
    def logs(self) -> Path:
        """Logs of the processes that ``up`` and ``demo`` start."""
        return self.root / "logs"
