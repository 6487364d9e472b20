"""The warehouse in BigQuery, for the cloud.

An hour's files are loaded by load jobs, which are free, into a table of the load's own, from where one transaction
replaces the hours. Readers see committed data only, of hours that no run is replacing.
"""

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Final

from google.api_core.exceptions import Conflict, NotFound
from google.cloud import bigquery

from streaming.hour import Hour
from streaming.lake.forgotten_runs import ForgottenRun
from streaming.lake.layout import COLUMNS, PARTITION_COLUMNS, Column
from ticketsim_assets.exceptions import LakeOutOfReach
from ticketsim_assets.warehouse.bigquery_client import LABELS, BigQueryReader, Datasets, parameter
from ticketsim_assets.warehouse.bigquery_lease import COLUMNS as LEASE_COLUMNS
from ticketsim_assets.warehouse.bigquery_lease import Hold, Lease
from ticketsim_assets.warehouse.bigquery_published import (
    HOURS_IN_PROGRESS,
    HOURS_IN_PROGRESS_COLUMNS,
    PublishedReader,
    lacking_views,
)
from ticketsim_assets.warehouse.reconciliation_view import RECONCILIATION, reconciliation_query
from ticketsim_assets.warehouse.schema import (
    BIGQUERY_TYPES,
    CONFLICTING_COPIES,
    FILLED_FROM,
    FIRST_COPY,
    FORGOTTEN_RUNS,
    FORGOTTEN_RUNS_COLUMNS,
    LOADED_TABLES,
    RAW_SCHEMA,
    RAW_TABLES,
    forgotten_rows,
)
from ticketsim_assets.warehouse.wait_policy import WaitPolicy

#: BigQuery takes 10 000 source URIs a load job (https://cloud.google.com/bigquery/quotas#load_jobs).
FILES_PER_JOB: Final = 9_000

#: After a crash nobody removes what was loaded and not yet merged; BigQuery does, after this time.
_LOADED_FOR: Final = timedelta(hours=6)

#: Rows of an hour lie together, then those of a type, a run and a venue; the quarantine has no such columns.
_CLUSTERED_BY: Final = {
    "events": ["event_hour", "event_type", "run_id", "venue_id"],
    CONFLICTING_COPIES: ["event_hour", "event_type", "run_id", "venue_id"],
    "quarantine": ["event_hour", "topic", "reason"],
}


class BigQueryWarehouse:
    """The datasets ``raw``, ``staging``, ``marts`` and ``published``, with one writer at a time. A `Warehouse`."""

    #: Readers see what was committed last.
    excludes_readers: Final = False

    def __init__(self, datasets: Datasets, wait_policy: WaitPolicy) -> None:
        """Use ``datasets``, which are made if they are missing and may be made."""
        self.datasets = datasets
        self._wait_policy = wait_policy

    @cached_property
    def client(self) -> bigquery.Client:
        """Create the client on first use: the code location loads without credentials."""
        return self.datasets.client()

    @contextmanager
    def exclusive(self) -> Iterator[Hold]:
        """Hold the warehouse alone, on whatever machine; see `Warehouse`.

        A table of the raw dataset keeps the lease. Whoever writes past it, by hand, is kept from half results by
        BigQuery's transactions, of which the later one to change the same rows fails.
        """
        name = self.datasets.table(f"{RAW_SCHEMA}.writer_lease")
        self._make_or_extend(bigquery.Table(name, schema=LEASE_COLUMNS))
        with Lease(self.client, name, self._wait_policy).held() as hold:
            yield hold

    def replace_hours(
        self, table: str, files: Mapping[Hour, Sequence[str]], forgotten: Sequence[ForgottenRun] = ()
    ) -> dict[Hour, int]:
        """Load and replace whole hours in one transaction; see `Warehouse`.

        Raises:
            LakeOutOfReach: a file is not on Google Cloud Storage, where BigQuery reads.
        """
        uris = [uri for of_hour in files.values() for uri in of_hour]
        if strange := next((uri for uri in uris if not uri.startswith("gs://")), None):
            raise LakeOutOfReach(
                f"BigQuery cannot read {strange}: it loads from gs:// only. "
                "Set TICKETSIM_LAKE_URI to the bucket that the stream fills, or TICKETSIM_WAREHOUSE to duckdb."
            )
        if not files:
            return {}
        with self.exclusive() as hold:
            self._bring_up_to_date()
            loaded = self._load(table, uris) if uris else None
            try:
                script = self._replacement(table, sorted(files), loaded, hold, len(forgotten))
                values = [value for row in forgotten_rows(forgotten) for value in row] if table == "events" else []
                asked = bigquery.QueryJobConfig(query_parameters=[parameter(value) for value in values])
                counted = self.client.query(script, job_config=asked).result()
                rows = {(row["event_date"], row["event_hour"]): int(row["row_count"]) for row in counted}
            finally:
                if loaded is not None:
                    self.client.delete_table(loaded, not_found_ok=True)
        return {hour: rows.get((hour.date, hour.start.hour), 0) for hour in files}

    @contextmanager
    def reading(self) -> Iterator[BigQueryReader]:
        """Open a reader of the tables themselves, where a query never sees half a transaction; see `Warehouse`."""
        yield BigQueryReader(self.client, self.datasets)

    @contextmanager
    def published(self) -> Iterator[PublishedReader]:
        """Open a reader of the views that leave out hours in progress; see `Warehouse`."""
        yield PublishedReader(self.client, self.datasets)

    def publish(self, under_way: Callable[[], Collection[Hour]] = tuple) -> None:
        """Show the hours that were loaded, but for those under way, which are left out; see `Warehouse`."""
        with self.exclusive():
            self._bring_progress_up_to_date()
            for view in lacking_views(self.client, self.datasets):
                self._make_table(view)
            kept = under_way()
            done = f"not ({_of_hours(sorted(kept))})" if kept else "true"
            script = f"delete from `{self.datasets.table(HOURS_IN_PROGRESS)}` where {done}"  # noqa: S608 our own names
            self.client.query(script).result()

    def _bring_progress_up_to_date(self) -> None:
        progress = bigquery.Table(self.datasets.table(HOURS_IN_PROGRESS), schema=_schema(HOURS_IN_PROGRESS_COLUMNS))
        self._make_or_extend(progress)

    def _bring_up_to_date(self) -> None:
        """Create the raw tables and the view over them, or change those of an earlier release to this one's."""
        for table in LOADED_TABLES:
            self._bring_table_up_to_date(table)
        runs = bigquery.Table(self.datasets.table(f"{RAW_SCHEMA}.{FORGOTTEN_RUNS}"))
        runs.schema = _schema(FORGOTTEN_RUNS_COLUMNS)
        self._make_or_extend(runs)
        self._bring_progress_up_to_date()
        wanted = bigquery.Table(self.datasets.table(RECONCILIATION))
        wanted.view_query = reconciliation_query("bigquery", self._quoted("events"), self._quoted(CONFLICTING_COPIES))
        there = self._make_table(wanted)
        if there.view_query != wanted.view_query:
            there.view_query = wanted.view_query
            self.client.update_table(there, ["view_query"])

    def _bring_table_up_to_date(self, table: str) -> None:
        """Create the raw table, or give one of an earlier release the columns that it lacks, null in its rows."""
        wanted = bigquery.Table(self.datasets.table(f"{RAW_SCHEMA}.{table}"), schema=_schema(LOADED_TABLES[table]))
        wanted.time_partitioning = bigquery.TimePartitioning(field="event_date")
        wanted.clustering_fields = _CLUSTERED_BY[table]
        wanted.require_partition_filter = True
        self._make_or_extend(wanted)

    def _make_or_extend(self, wanted: bigquery.Table) -> None:
        there = self._make_table(wanted)
        names = {field.name for field in there.schema}
        if lacking := [field for field in wanted.schema if field.name not in names]:
            there.schema = [*there.schema, *lacking]
            self.client.update_table(there, ["schema"])

    def _make_table(self, table: bigquery.Table) -> bigquery.Table:
        """Return the existing ``table``; create it, and its dataset, if it is missing."""
        table.labels = LABELS
        try:
            return self.client.get_table(table)
        except NotFound:
            pass
        dataset = bigquery.DatasetReference(table.project, table.dataset_id)
        try:
            self.client.get_dataset(dataset)
        except NotFound:
            made = bigquery.Dataset(dataset)
            made.location = self.datasets.location
            made.labels = LABELS
            self.client.create_dataset(made, exists_ok=True)
        try:
            return self.client.create_table(table)
        except Conflict:  # another process was quicker
            return self.client.get_table(table)

    def _load(self, table: str, uris: Sequence[str]) -> bigquery.Table:
        """Load the files into a temporary table, job by job; it expires if this process is killed."""
        schema = _schema(COLUMNS)
        loaded = bigquery.Table(self.datasets.table(f"{RAW_SCHEMA}.loading_{table}_{uuid.uuid4().hex}"), schema=schema)
        loaded.expires = datetime.now(UTC) + _LOADED_FOR
        loaded.labels = LABELS
        loaded = self.client.create_table(loaded)
        hive = bigquery.HivePartitioningOptions()
        hive.mode = "CUSTOM"
        hive.source_uri_prefix = _prefix(uris[0])
        asked = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.PARQUET,
            # of the columns in the files: those of the paths are the prefix's
            schema=_schema([column for column in COLUMNS if column.name not in PARTITION_COLUMNS]),
            write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
            hive_partitioning=hive,
            # files of a later release may have columns that this one does not know
            ignore_unknown_values=True,
        )
        for first in range(0, len(uris), FILES_PER_JOB):
            batch = list(uris[first : first + FILES_PER_JOB])
            self.client.load_table_from_uri(batch, loaded, job_config=asked).result()
        return loaded

    def _replacement(
        self, table: str, hours: Sequence[Hour], loaded: bigquery.Table | None, hold: Hold, forgotten: int
    ) -> str:
        """Return the script that replaces ``hours`` in one transaction and then counts their rows.

        A statement that fails rolls back those before it. Of events the values of ``forgotten`` runs are parameters.
        """
        columns = ", ".join(column.name for column in RAW_TABLES[table])
        target, theirs = self._quoted(table), _of_hours(hours)
        replacements, that_count = [], "true"
        if table == "events":
            runs = self._quoted(FORGOTTEN_RUNS)
            replacements.append(f"delete from {runs} where true;")  # noqa: S608
            if forgotten:
                row = f"({', '.join('?' * len(FORGOTTEN_RUNS_COLUMNS))})"
                replacements.append(f"insert into {runs} values {', '.join([row] * forgotten)};")  # noqa: S608
            that_count = f"run_id not in (select run_id from {runs})"  # noqa: S608
            progress = f"`{self.datasets.table(HOURS_IN_PROGRESS)}`"
            noted = ", ".join(f"(date '{hour.date}', {hour.start.hour})" for hour in hours)
            replacements.append(f"delete from {progress} where {theirs};")  # noqa: S608
            replacements.append(f"insert into {progress} (event_date, event_hour) values {noted};")  # noqa: S608
        for filled in FILLED_FROM[table]:
            replacements.append(f"delete from {self._quoted(filled)} where {theirs};")  # noqa: S608
            if loaded is not None:
                replacements.append(
                    f"insert into {self._quoted(filled)} ({columns}) select {columns} "  # noqa: S608
                    f"from `{loaded.full_table_id.replace(':', '.')}` where {that_count} {FIRST_COPY[filled]};"
                )
        return f"""
            begin transaction;
            {hold.fence()}
            {" ".join(replacements)}
            commit transaction;
            select event_date, event_hour, count(*) as row_count from {target} where {theirs} group by 1, 2;
        """  # noqa: S608 names come from our own layout

    def _quoted(self, table: str) -> str:
        """Return the name of a raw table as a query needs it."""
        return f"`{self.datasets.table(f'{RAW_SCHEMA}.{table}')}`"


def _schema(columns: Sequence[Column]) -> list[bigquery.SchemaField]:
    """Return an explicit schema: a load job that infers one takes a column's type from the first file."""
    return [
        bigquery.SchemaField(column.name, BIGQUERY_TYPES[column.type], description=column.meaning) for column in columns
    ]


def _prefix(uri: str) -> str:
    """Return the source URI prefix of a load job: where partitions begin in the lake's paths, and their types."""
    types = dict(zip(PARTITION_COLUMNS, ("STRING", "DATE", "INTEGER"), strict=True))
    table = uri.partition(f"/{PARTITION_COLUMNS[0]}=")[0]
    return "/".join([table, *(f"{{{name}:{kind}}}" for name, kind in types.items())])


def _of_hours(hours: Sequence[Hour]) -> str:
    """Return the condition for rows of ``hours``, by day, in constants that BigQuery prunes partitions by."""
    by_day: dict[date, list[str]] = {}
    for hour in hours:
        by_day.setdefault(hour.date, []).append(str(hour.start.hour))
    conditions = (f"(event_date = '{day}' and event_hour in ({', '.join(of_day)}))" for day, of_day in by_day.items())
    return f"event_date between '{min(by_day)}' and '{max(by_day)}' and ({' or '.join(conditions)})"
