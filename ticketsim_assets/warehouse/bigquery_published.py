"""What readers see in BigQuery: views over raw and marts without the hours that a run is replacing.

Each load and each mart is a transaction of its own, so for a minute an hour's rows, facts and figures are of different
loads. The load's transaction notes its hours in ``raw.hours_in_progress``; the views leave these out, and publishing
deletes the notes by one statement, which brings the hours of all views back at once.
"""

from collections.abc import Collection, Iterator
from typing import Final

from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from streaming.lake.layout import Column
from ticketsim_assets.warehouse.bigquery_client import LABELS, BigQueryReader, Datasets
from ticketsim_assets.warehouse.reconciliation_view import RECONCILIATION
from ticketsim_assets.warehouse.schema import FILLED_FROM, RAW_SCHEMA

#: The dataset of the views.
PUBLISHED_SCHEMA: Final = "published"

#: Hours that were loaded and not published since.
HOURS_IN_PROGRESS: Final = f"{RAW_SCHEMA}.hours_in_progress"

HOURS_IN_PROGRESS_COLUMNS: Final = (
    Column("event_date", "date", "UTC date of the hour."),
    Column("event_hour", "int", "UTC hour, 0 to 23."),
)

_RAW: Final = (*(f"{RAW_SCHEMA}.{table}" for table in FILLED_FROM["events"]), RECONCILIATION)
_MARTS: Final = "marts"


class PublishedReader(BigQueryReader):
    """A `Reader` of the views."""

    def table_id(self, table: str) -> str:
        """Return the id of the view that shows ``table``; see the base class."""
        return self._datasets.table(_view_of(table))


def _view_of(table: str) -> str:
    return f"{PUBLISHED_SCHEMA}.{table.split('.')[1]}"


def lacking_views(client: bigquery.Client, datasets: Datasets) -> Iterator[bigquery.Table]:
    """Yield a view for each table and view that readers may know and that has none yet.

    Args:
        client: a client.
        datasets: where raw, marts and the views are.
    """
    there = _names(client, datasets.dataset(PUBLISHED_SCHEMA))
    marts = _names(client, datasets.dataset(_MARTS))
    for table in (*_RAW, *(f"{_MARTS}.{mart}" for mart in sorted(marts))):
        if table.split(".")[1] not in there and not _is_temporary(table):
            view = bigquery.Table(datasets.table(_view_of(table)))
            view.labels = LABELS
            view.view_query = _query(datasets, client.get_table(datasets.table(table)))
            yield view


def _is_temporary(table: str) -> bool:
    """Return whether dbt fills its table from ``table`` and then drops it."""
    return table.endswith("__dbt_tmp")


def _names(client: bigquery.Client, dataset: str) -> Collection[str]:
    try:
        return {table.table_id for table in client.list_tables(dataset)}
    except NotFound:
        return ()


def _query(datasets: Datasets, table: bigquery.Table) -> str:
    shown = f"`{table.project}.{table.dataset_id}.{table.table_id}`"
    columns = {field.name for field in table.schema}
    if not {"run_id", "event_date"} <= columns:
        return f"select * from {shown}"  # noqa: S608 names of our own
    hour = "shown.event_hour" if "event_hour" in columns else "extract(hour from shown.hour_start)"
    # the first condition is true of every row: BigQuery refuses to read all days of a table unless it is asked so
    return f"""
        select shown.* from {shown} as shown
        where (shown.event_date is null or shown.event_date is not null) and not exists (
            select 1 from `{datasets.table(HOURS_IN_PROGRESS)}` as progress
            where progress.event_date = shown.event_date and progress.event_hour = {hour}
        )
    """  # noqa: S608 names of our own
