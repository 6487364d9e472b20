"""Row counts of the models that a run has built, per hour, for the plots of the Dagster UI.

dagster-dbt's own ``fetch_row_counts`` counts whole tables, one query each, from a second connection while dbt is still
at work; DuckDB has one writer, and a table's size says nothing about an hour. This is one query, after dbt.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import dagster as dg

from streaming.hour import Hour
from ticketsim_assets.warehouse.protocol import Reader

#: Per table, rows per hour; None stands for the whole of a table that is not filed by hour.
RowCounts = Mapping[str, Mapping[Hour | None, int]]


def count_rows(reader: Reader, window: dg.TimeWindow, hourly: Iterable[str], whole: Iterable[str]) -> RowCounts:
    """Count the rows of tables, each named with its schema; hours without rows are left out.

    Args:
        reader: The warehouse.
        window: The hours to count, UTC.
        hourly: Tables with ``hour_start`` and ``event_date``, of which the hours of ``window`` are counted.
        whole: Tables that are counted as a whole.
    """
    first, last = (f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}" for moment in (window.start, window.end))
    # The date is what both engines prune by.
    queries = (
        [
            f"select '{table}' as name, hour_start, count(*) as row_count from {reader.named(table)} "  # noqa: S608 dbt's own names
            f"where event_date between date '{first[:10]}' and date '{last[:10]}' "
            f"and hour_start >= timestamp '{first}' and hour_start < timestamp '{last}' "
            "group by hour_start"
            for table in hourly
        ]
        + [
            f"select '{table}', cast(null as timestamp), count(*) from {reader.named(table)}"  # noqa: S608 dbt's own names
            for table in whole
        ]
    )
    counts: dict[str, dict[Hour | None, int]] = {}
    if queries:
        for name, hour_start, rows in reader.execute(" union all ".join(queries)).fetchall():
            counts.setdefault(name, {})[_hour(hour_start)] = int(rows)
    return counts


def _hour(hour_start: datetime | None) -> Hour | None:
    return Hour(hour_start.replace(tzinfo=UTC)) if hour_start else None
