"""Figures of the models that a run has built, per hour, for the plots of the Dagster UI: rows, and what a model names.

dagster-dbt's own ``fetch_row_counts`` counts whole tables, one query each, from a second connection while dbt is still
at work; DuckDB has one writer, and a table's size says nothing about an hour. This is one query, after dbt.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

import dagster as dg

from streaming.hour import Hour
from ticketsim_assets.warehouse.protocol import Reader

ROW_COUNT: Final = "dagster/row_count"
"""The name by which the UI knows a table's rows."""

#: Per table, its figures by name for each hour; None stands for the whole of a table that is not filed by hour.
Figures = Mapping[str, Mapping[Hour | None, Mapping[str, float]]]


def read_figures(
    reader: Reader, window: dg.TimeWindow, hourly: Mapping[str, Mapping[str, str]], whole: Iterable[str]
) -> Figures:
    """Count the rows of tables and calculate their figures; hours without rows and figures that are null are left out.

    Args:
        reader: The warehouse.
        window: The hours to read, UTC.
        hourly: Tables, each named with its schema, with ``hour_start`` and ``event_date``, of which the hours of
            ``window`` are read; of each, SQL aggregates of its columns by the name of the figure.
        whole: Tables of which the rows are counted as a whole.
    """
    first, last = (f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}" for moment in (window.start, window.end))
    aggregates = {table: {ROW_COUNT: "count(*)", **figures} for table, figures in hourly.items()}
    width = max(map(len, aggregates.values()), default=1)

    def values(of_table: Iterable[str]) -> str:
        """List as many values as the table with the most has: floats, because the rows of a union have one type."""
        listed = [*of_table]
        return ", ".join(f"1e0 * ({each})" for each in [*listed, *["null"] * (width - len(listed))])

    # The date is what both engines prune by.
    queries = (
        [
            f"select '{table}' as name, hour_start, {values(of_table.values())} from {reader.named(table)} "  # noqa: S608 dbt's own names
            f"where event_date between date '{first[:10]}' and date '{last[:10]}' "
            f"and hour_start >= timestamp '{first}' and hour_start < timestamp '{last}' "
            "group by hour_start"
            for table, of_table in aggregates.items()
        ]
        + [
            f"select '{table}', cast(null as timestamp), {values(['count(*)'])} from {reader.named(table)}"  # noqa: S608 dbt's own names
            for table in whole
        ]
    )
    found: dict[str, dict[Hour | None, dict[str, float]]] = defaultdict(dict)
    if queries:
        for name, hour_start, *row in reader.execute(" union all ".join(queries)).fetchall():
            figures = zip(aggregates.get(name, [ROW_COUNT]), row, strict=False)
            found[name][_hour(hour_start)] = {figure: float(value) for figure, value in figures if value is not None}
    return found


def _hour(hour_start: datetime | None) -> Hour | None:
    return Hour(hour_start.replace(tzinfo=UTC)) if hour_start else None
