"""The one settings object: where Ticketsim reads and writes, from environment variables ``TICKETSIM_*``."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    SecretStr,
    ValidationError,
    ValidatorFunctionWrapHandler,
    model_validator,
)
from pydantic_core import PydanticCustomError, core_schema
from pydantic_settings import BaseSettings, SettingsConfigDict
from upath import UPath

from streaming.storage import absolute, in_bucket, path_of, require_usable
from ticketsim_assets.exceptions import SettingsRefused

_PREFIX: Final = "TICKETSIM_"


@dataclass(frozen=True, slots=True)
class Values:
    """The values that a setting may have, in words: what an error says is expected, whatever is wrong."""

    words: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Wrap the validation of the setting's type and bounds."""
        return core_schema.no_info_wrap_validator_function(self._validated, handler(source))

    def _validated(self, value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
        try:
            return validate(value)
        except (ValidationError, OverflowError):
            raise PydanticCustomError("setting", "expected {words}", {"words": self.words}) from None


def _start_of_an_hour(value: Any) -> datetime:
    """Return an hour in UTC; ISO 8601 or a time, UTC unless it names a zone."""
    time = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    hour = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    if hour != hour.replace(minute=0, second=0, microsecond=0):
        raise ValueError(value)
    return hour


def _servers(value: Any) -> str:
    """Return Kafka's servers as they came, each with a host and a port."""
    for server in str(value).split(","):
        found = re.fullmatch(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})", server)
        if found is None or not 0 < int(found[2]) < 1 << 16:
            raise ValueError(value)
    return str(value)


def _webhook(value: Any) -> Any:
    """Return a webhook's address as it came."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    if not re.fullmatch(r"https?://[^\s/]+\S*", text) or not text.isprintable():
        raise ValueError("no URL")
    return value


_Servers = Annotated[
    str, BeforeValidator(_servers), Values("host:port[,host:port], each port from 1 to 65535, like 127.0.0.1:19092")
]

#: The hours are partitions of Dagster, which lists all of them: of a hundred years a million.
_Hour = Annotated[
    datetime,
    BeforeValidator(_start_of_an_hour),
    Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(2100, 1, 1, tzinfo=UTC)),
    Values("the start of an hour from 2000 to 2099, UTC unless it names a zone, like 2026-06-01T00:00Z or 2026-06-01"),
]

#: Delta keeps the log that pending hours are found by for a week.
_WEEK_MINUTES: Final = 7 * 24 * 60

_GoogleName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.:_-]*$|^$", max_length=100),
    Values("letters, digits, hyphens, dots and colons, as Google Cloud names it"),
]


class Settings(BaseSettings):
    """Where Ticketsim reads and writes; the defaults run on a laptop. A variable that is empty counts as not set."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, env_ignore_empty=True)

    home: Path = Path("data")
    """Folder of everything local: broker, lake, checkpoint, warehouse, Dagster home, page."""

    bootstrap: _Servers = "127.0.0.1:19092"
    """Kafka's bootstrap servers, ``host:port[,host:port]``; by default ten thousand above Kafka's own 9092."""

    lake_uri: str | None = None
    """Root of the lake: a directory or ``gs://bucket/prefix``; default ``<home>/lake``."""

    warehouse: Annotated[Literal["duckdb", "bigquery"], Values("duckdb or bigquery")] = "duckdb"
    """Engine of the warehouse: a file of this machine, or BigQuery, whose credentials are the machine's (ADC)."""

    bigquery_project: _GoogleName = ""
    """Google Cloud project that has the datasets and pays for the queries."""

    bigquery_location: _GoogleName = ""
    """Where its datasets are, e.g. ``europe-west1`` or ``EU``; the same as the lake's bucket."""

    bigquery_dataset_prefix: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9_]*$", max_length=100), Values("letters, digits and underscores, at most 100")
    ] = ""
    """Stands before the datasets' names ``raw``, ``staging``, ``marts`` and ``published``, e.g. ``ticketsim_``."""

    bigquery_maximum_bytes_billed: Annotated[
        int, Field(gt=0, le=10**15), Values("a whole number from 1 to 10^15, a petabyte: 6 000 USD a query")
    ] = 100_000_000_000
    """Bytes that one query may read; one that would read more is refused before it costs anything."""

    trigger: Annotated[Literal["dagster", "airflow"], Values("dagster or airflow")] = "dagster"
    """Who asks for hours that are due for the first time: a Dagster sensor (laptop) or Airflow."""

    first_hour: _Hour = datetime(2026, 1, 1, tzinfo=UTC)
    """Start of the first hourly partition; earlier rows are reported as a warning, with their number."""

    spark: Annotated[Literal["local", "dataproc"], Values("local or dataproc")] = "local"
    """Where maintenance of the lake runs Spark: in a JVM of this machine, or as a job on a Dataproc cluster."""

    dataproc_project: _GoogleName = ""
    """Google Cloud project of the Dataproc cluster."""

    dataproc_region: _GoogleName = ""
    """Its region, e.g. ``europe-west1``."""

    dataproc_cluster: _GoogleName = ""
    """Its name."""

    dataproc_code: Annotated[str, Field(pattern=r"^gs://[^/\s]+(/\S*)?$|^$"), Values("gs://bucket/prefix")] = ""
    """Folder of the code for Dataproc, ``gs://bucket/prefix``: ``maintenance.py``, ``ticketsim.zip`` and ``jars/``."""

    lag_warning: Annotated[
        int, Field(gt=0, le=10**12), Values("a whole number from 1 to 10^12, more than a broker's disk holds")
    ] = 100_000
    """Messages of a topic that the lake may lack before a warning; a live festival sends fewer in five minutes."""

    quarantine_warning: Annotated[
        float, Field(gt=0, lt=1), Values("a number between 0 and 1, without either: 0.01 is one of a hundred")
    ] = 0.01
    """Part of an hour's messages that may break the contract before a warning."""

    lateness_minutes: Annotated[
        float,
        Field(gt=0, le=_WEEK_MINUTES),
        Values("a number above 0 and up to 10080, the week that the lake's log is kept"),
    ] = 10.0
    """Wall-clock minutes after an hour's last commit before missing receipts stop holding it back."""

    reload_minutes: Annotated[
        float, Field(ge=0, le=_WEEK_MINUTES), Values("a number from 0 to 10080, the week that the lake's log is kept")
    ] = 2.0
    """Wall-clock minutes after its first late commit before a loaded hour is loaded again: a storm of late commits is
    one run per hour and interval."""

    page_url: Annotated[
        str, Field(pattern=r"^(https?://[^\s/]\S*)?$"), Values("an address with https or http, without spaces")
    ] = ""
    """Where people open the page, e.g. behind a server of the company's: the link on the page's asset in Dagster's UI.
    `ticketsim up`, which serves the page, sets it; default: no link."""

    page_object: Annotated[
        str, Field(pattern=r"^(gs://[^/\s]+/\S+)?$"), Values("the object of a bucket, like gs://bucket/index.html")
    ] = ""
    """Object that the page is published as after each run, e.g. ``gs://bucket/index.html``: Dagster's UI links to it,
    and who may read it opens it in a browser. Default: the page is a file in home alone."""

    alert_url: (
        Annotated[SecretStr, BeforeValidator(_webhook), Values("an address with https or http, which is a secret")]
        | None
    ) = None
    """Webhook that is told of runs that fail, with a JSON object ``{"text": ...}``; default: nobody is told."""

    @model_validator(mode="after")
    def _usable(self) -> Self:
        """Refuse a home or lake that could not be written; nothing is created here."""
        require_usable(str(self.root), f"{_PREFIX}HOME")
        if self.lake_uri is not None:
            require_usable(self.lake, f"{_PREFIX}LAKE_URI")
        return self

    @cached_property
    def root(self) -> Path:
        """``home`` as an absolute path, so that it means the same in every process."""
        return Path(absolute(self.home, f"{_PREFIX}HOME"))

    @property
    def lake(self) -> str:
        """Root of the lake, absolute."""
        return absolute(self.lake_uri or self.root / "lake", f"{_PREFIX}LAKE_URI")

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
    def plans(self) -> Path:
        """Folder of what ``ticketsim plan --json`` printed, for the page."""
        return self.root / "plans"

    @property
    def page_link(self) -> str:
        """Where people open the page: ``page_url``, or Google's address of ``page_object``, which asks who they are."""
        return self.page_url or self.page_object.replace("gs://", "https://storage.cloud.google.com/", 1)

    @property
    def logs(self) -> Path:
        """Logs of the processes that ``up`` and ``demo`` start."""
        return self.root / "logs"


def read_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsRefused: A variable is invalid; each is named in a sentence with its value and what is expected.
        LocationRefused: Home or lake cannot be where the settings say.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsRefused(" ".join(map(_sentence, error.errors(include_url=False)))) from None


def _sentence(error: Any) -> str:
    """Describe one validation error of pydantic, without the values of secrets."""
    name = str(error["loc"][0]) if error["loc"] else ""
    shown = "is invalid" if name == "alert_url" else f"is {error['input']!r}"
    return f"{_PREFIX}{name.upper()} {shown}; {error['msg']}."
