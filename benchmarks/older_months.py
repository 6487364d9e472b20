"""A long history for a home, made by copying its hours into the past.

Rows of the warehouse are real copies. The files that the lake's log adds do not exist: those of hours that are not
loaded are never opened.
"""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import dagster as dg
import duckdb
from deltalake import DeltaTable

from streaming.hour import Hour
from ticketsim_assets.keys import LAKE_COMPLETE, RAW_EVENTS
from ticketsim_assets.settings import Settings

MONTH: Final = timedelta(days=30)

#: Tables that grow with every hour: those with the day that both engines prune by.
_GROWING: Final = """
select table_schema || '.' || table_name
from information_schema.columns
where column_name = 'event_date'
    and (table_schema, table_name) in (
        select (table_schema, table_name) from information_schema.tables where table_type = 'BASE TABLE'
    )
"""


def copy_into_the_past(settings: Settings, instance: dg.DagsterInstance, hours: list[Hour], months: int) -> None:
    """Add ``months`` copies of ``hours``, one month, before them: to the warehouse, the lake and Dagster's instance."""
    with duckdb.connect(settings.warehouse_path) as connection:
        for (table,) in connection.execute(_GROWING).fetchall():
            connection.execute(_copies(connection, table, months))
    _copy_log(settings, months)
    for hour in hours:
        for month in range(1, months + 1):
            key = Hour(hour.start - month * MONTH).key
            for asset in (LAKE_COMPLETE, RAW_EVENTS):
                instance.report_runless_asset_event(dg.AssetMaterialization(asset, partition=key))


def _copies(connection: duckdb.DuckDBPyConnection, table: str, months: int) -> str:
    """Return the statement that adds ``months`` copies of a table's rows, each a month older than the one before."""
    shifted = [
        f"cast({name} - to_days(cast({MONTH.days} * month as int)) as {type_}) as {name}"
        for name, type_, *_ in connection.execute(f"describe {table}").fetchall()
        if type_ in ("DATE", "TIMESTAMP")
    ]
    return (
        f"insert into {table} select rows_.* replace ({', '.join(shifted)}) "  # noqa: S608 names of our own tables
        f"from {table} as rows_, range(1, {months + 1}) as months(month)"
    )


def _copy_log(settings: Settings, months: int) -> None:
    table_uri = Path(settings.lake) / "events"
    table = DeltaTable(str(table_uri))
    log = table_uri / "_delta_log"
    actions = [json.loads(line) for entry in sorted(log.glob("*.json")) for line in entry.read_text().splitlines()]
    adds = [action["add"] for action in actions if "add" in action]
    for month in range(1, months + 1):
        info = {"commitInfo": {"timestamp": adds[-1]["modificationTime"], "operation": "OPTIMIZE"}}
        lines = [info, *({"add": add} for add in _older(adds, month * MONTH))]
        entry = log / f"{table.version() + month:020}.json"
        entry.write_text("\n".join(json.dumps(line, separators=(",", ":")) for line in lines))
    DeltaTable(str(table_uri)).create_checkpoint()


def _older(adds: list[dict[str, Any]], age: timedelta) -> Iterator[dict[str, Any]]:
    """Yield the same files in older partitions, marked as no data change, so that the sensor skips them."""
    for add in adds:
        day = date.fromisoformat(add["partitionValues"]["event_date"])
        values = add["partitionValues"] | {"event_date": str(day - age)}
        folder = "/".join(f"{name}={value}" for name, value in values.items())
        path = f"{folder}/{add['path'].rsplit('/', 1)[-1]}"
        yield add | {"path": path, "partitionValues": values, "dataChange": False}
