"""Which columns a model's columns come from, read from its compiled SQL; the warehouse is not asked.

dagster-dbt's ``fetch_column_metadata`` asks the warehouse for every model's columns from a second connection while dbt
is at work, which DuckDB refuses. Here the columns of a model's parents are those of their contracts, in the manifest.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import dagster as dg
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, lineage

from ticketsim_assets.exceptions import LineageUnknown


def column_lineage(
    manifest: Mapping[str, Any], unique_id: str, sql: str, key_of: Callable[[str], dg.AssetKey]
) -> dg.TableColumnLineage:
    """Return, per column of a model, the columns of its parents that its value comes from; a constant has none.

    Args:
        manifest: The project's manifest.
        unique_id: The model's id in it.
        sql: The model's compiled SQL.
        key_of: Returns the asset of a model's or source's unique id.

    Raises:
        LineageUnknown: The SQL cannot be parsed, or a column cannot be traced.
    """
    dialect = manifest["metadata"]["adapter_type"]
    columns: dict[str, dict[str, str]] = {}
    parents: dict[str, dg.AssetKey] = {}
    # An incremental model may read its own rows, which come from nowhere else.
    for table_id, table in [*_tables_of(manifest, unique_id), (unique_id, manifest["nodes"][unique_id])]:
        name = table["identifier"] if table["resource_type"] == "source" else table["alias"]
        if table_id != unique_id:
            parents[name] = key_of(table_id)
        columns[name] = {column["name"]: column["data_type"] or "unknown" for column in table["columns"].values()}
    try:
        query = sqlglot.parse_one(sql, dialect=dialect)
        # Database and schema are those of the SQL: the manifest may have been parsed for other datasets.
        schema: dict[str, dict[str, dict[str, dict[str, str]]]] = {}
        for read in query.find_all(exp.Table):
            if read.db and read.name in columns:
                schema.setdefault(read.catalog, {}).setdefault(read.db, {})[read.name] = columns[read.name]
        found = lineage(None, query, schema, dialect=dialect, trim_selects=False)
        return dg.TableColumnLineage({column: _sources(node, parents) for column, node in found.items()})
    except SqlglotError as error:
        raise LineageUnknown(f"Cannot trace the columns of {unique_id}: {error}") from error


def _tables_of(manifest: Mapping[str, Any], unique_id: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the tables and views that a model reads; an ephemeral parent is part of its SQL, so its parents count."""
    for parent_id in manifest["nodes"][unique_id]["depends_on"]["nodes"]:
        parent = manifest["nodes"].get(parent_id) or manifest["sources"][parent_id]
        if parent["resource_type"] == "model" and parent["config"]["materialized"] == "ephemeral":
            yield from _tables_of(manifest, parent_id)
        else:
            yield parent_id, parent


def _sources(column: Node, parents: Mapping[str, dg.AssetKey]) -> list[dg.TableColumnDep]:
    """Return the columns of tables at the end of ``column``'s lineage."""
    ends = [node for node in column.walk() if not node.downstream]
    if any(end.name.endswith("*") for end in ends):
        raise LineageUnknown(f"Cannot trace {column.name}: it comes from a table whose columns are unknown.")
    tables = ((end, table) for end in ends if (table := end.expression.find(exp.Table)) is not None)
    return [
        dg.TableColumnDep(asset_key=parents[table], column_name=name)
        for table, name in sorted({(table.name, exp.to_column(end.name).name) for end, table in tables})
        if table in parents
    ]
