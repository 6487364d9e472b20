"""Starts local-bigquery, in its own virtual environment, with three corrections. Its internals are used: pin it.

A job that creates a table from a query must name its destination, for dbt. Bytes in Parquet files are bytes, not
Base64. A column that files of an earlier release lack is null; one that only those of a later release have is left out.
"""

import sys
from importlib.metadata import entry_points

from local_bigquery.jobs import load, query

execute = query.execute
projection = load._projection


def named_destination(*args, **kwargs):
    statistics, children, destination = execute(*args, **kwargs)
    made = getattr(statistics, "ddlTargetTable", None)
    if destination is None and made is not None and statistics.statementType == "CREATE_TABLE_AS_SELECT":
        destination = made
    return statistics, children, destination


def typed_projection(config, fields, columns):
    if config.sourceFormat != "PARQUET" or not fields:
        return projection(config, fields, columns)
    there = {column.casefold() for column in columns}
    casts = []
    for field in fields:
        name = load.quote(field.name)
        value = name if field.name.casefold() in there else "NULL"
        casts.append(f"CAST({value} AS {load.types.duckdb_type(field)}) AS {name}")
    if config.hivePartitioningOptions:
        casts += [load.quote(key) for key, _ in load.HIVE_KEY.findall(config.hivePartitioningOptions.sourceUriPrefix)]
    return ", ".join(casts), "false"


query.execute = named_destination
load._projection = typed_projection
[start] = [entry for entry in entry_points(group="console_scripts") if entry.name == "local-bigquery"]
sys.exit(start.load()())
