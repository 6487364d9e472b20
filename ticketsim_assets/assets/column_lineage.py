"""Which columns a model's columns come from, read from its compiled SQL; the warehouse is not asked.

dagster-dbt's ``fetch_column_metadata`` asks the warehouse for every model's columns from a second connection while dbt
is at work, which DuckDB refuses. Here the columns of a model's parents are those of their contracts, in the manifest.
"""

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, lineage

from ticketsim_assets.exceptions import LineageUnknown


def column_lineage(
    manifest: Mapping[str, Any], unique_id: str, sql: str, key_of: Callable[[str], dg.AssetKey]
) -> dg.TableColumnLineage:
    """Return, per column of a model, the columns of its parents that its value comes from; a constant has none.

    Args:
        manifest: dbt's, of the project.
        unique_id: the model's.
        sql: what dbt has compiled it to.
        key_of: the asset of a model's or source's unique id.

    Raises:
        LineageUnknown: the SQL cannot be read.
    """
    dialect = manifest["metadata"]["adapter_type"]
    schema: dict[str, dict[str, dict[str, dict[str, str]]]] = {}
    parents: dict[str, dg.AssetKey] = {}
    for parent_id in manifest["nodes"][unique_id]["depends_on"]["nodes"]:
        parent = manifest["nodes"].get(parent_id) or manifest["sources"][parent_id]
        name = parent["identifier"] if parent["resource_type"] == "source" else parent["alias"]
        parents[name] = key_of(parent_id)
        columns = {column["name"]: column["data_type"] or "unknown" for column in parent["columns"].values()}
        schema.setdefault(parent["database"], {}).setdefault(parent["schema"], {})[name] = columns
    try:
        found = lineage(None, sql, schema, dialect=dialect, trim_selects=False)
    except SqlglotError as error:
        raise LineageUnknown(f"the columns of {unique_id} cannot be traced: {error}") from error
    return dg.TableColumnLineage({column: _sources(node, parents) for column, node in found.items()})


def _sources(column: Node, parents: Mapping[str, dg.AssetKey]) -> list[dg.TableColumnDep]:
    """Return the columns of tables at the end of ``column``'s lineage."""
    ends = (node for node in column.walk() if not node.downstream)
    tables = ((end, table) for end in ends if (table := end.expression.find(exp.Table)) is not None)
    return [
        dg.TableColumnDep(asset_key=parents[table], column_name=name)
        for table, name in sorted({(table.name, exp.to_column(end.name).name) for end, table in tables})
        if table in parents
    ]
