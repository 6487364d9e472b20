"""Partition filters as BigQuery documents them: a conjunct of the condition that names the partitioning column alone.

https://cloud.google.com/bigquery/docs/querying-partitioned-tables#require_a_partition_filter_in_queries. An `or` of two
conditions, each of which bounds the column among others, is none. The emulator does not look so closely.
"""

from collections.abc import Collection, Iterator

import sqlglot
from sqlglot import exp

#: Creating a view reads nothing.
_READING = (exp.Select, exp.Delete, exp.Update, exp.Merge)


def unfiltered(script: str, tables: Collection[str], column: str) -> Iterator[str]:
    """Yield each part of a script that reads or changes one of ``tables`` without a filter on ``column``.

    Args:
        script: Statements of BigQuery.
        tables: Names of partitioned tables, and of views that show all of their rows, without dataset.
        column: The column by which they are partitioned.
    """
    for statement in sqlglot.parse(script, dialect="bigquery"):
        if statement is None or (isinstance(statement, exp.Create) and statement.kind == "VIEW"):
            continue
        for table in statement.find_all(exp.Table):
            if table.name not in tables or isinstance(table.parent, exp.Insert | exp.Schema):
                continue
            part = table.find_ancestor(*_READING)
            if part is not None and not _filters(part, column):
                yield f"{table.name}: {part.sql(dialect='bigquery')[:2000]}"


def _filters(part: exp.Expression, column: str) -> bool:
    conditions = [part.args.get("where"), part.args.get("on")]
    conditions += [join.args.get("on") for join in part.args.get("joins") or ()]
    return any(
        {named.name for named in conjunct.find_all(exp.Column)} == {column}
        for condition in conditions
        if condition is not None
        for conjunct in _conjuncts(condition.this if isinstance(condition, exp.Where) else condition)
    )


def _conjuncts(condition: exp.Expression) -> Iterator[exp.Expression]:
    bare = condition.unnest()
    if isinstance(bare, exp.And):
        yield from _conjuncts(bare.left)
        yield from _conjuncts(bare.right)
    else:
        yield bare
