"""Failed dbt tests in words: venue, hour, figure and difference, from the rows that the test returned."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import dagster as dg

from ticketsim_assets.warehouse.protocol import Reader

#: Rows kept in the event log per failed test; more would add nothing new and make the log heavy.
_SHOWN: Final = 50

Row = Mapping[str, Any]


def with_failing_rows(
    results: Iterable[dg.AssetCheckResult], compiled: Mapping[str, str], reader: Reader
) -> Iterator[dg.AssetCheckResult]:
    """Add to ``results`` a message that names the first failing row, and a table of the rows.

    Args:
        results: Results of failed dbt tests, as dagster-dbt yields them.
        compiled: The tests' compiled SQL by dbt's unique id.
        reader: The warehouse in which they ran.
    """
    for result in results:
        metadata = dict(result.metadata or {})
        sql = compiled.get(str(metadata["unique_id"].value)) if "unique_id" in metadata else None
        rows = failing_rows(reader, sql) if sql else []
        if not rows:  # a test that could not run has none
            yield result
            continue
        metadata["rows"] = dg.MetadataValue.table([dg.TableRecord(_printable(row)) for row in rows[:_SHOWN]])
        yield result._replace(description=describe_rows(rows), metadata=metadata)


def failing_rows(reader: Reader, sql: str) -> list[Row]:
    """Return the rows that a test's ``sql`` returns, at most one more than is shown."""
    found = reader.execute(f"select * from ({sql}) as found limit {_SHOWN + 1}")  # noqa: S608 dbt compiled it
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def describe_rows(rows: Sequence[Row]) -> str:
    """Describe the first of ``rows`` in one sentence, and say how many more there are."""
    first, more = _printable(rows[0]), len(rows) - 1
    if "figure" in first:
        sentence = (
            f"venue {first['venue_id']} of run {first['run_id']}, {first['hour_start']}, {first['figure']}: "
            f"expected {first['expected']}, found {first['actual']}"
        )
    else:
        sentence = ", ".join(f"{name} {value}" for name, value in first.items())
    if not more:
        return sentence
    return f"{sentence} (and {more}{' or' if len(rows) > _SHOWN else ''} more)"


def _printable(row: Row) -> dict[str, str]:
    """Return the row as strings; the warehouse's times are UTC."""
    return {
        name: f"{value:%Y-%m-%dT%H:%M}Z" if isinstance(value, datetime) else str(value) for name, value in row.items()
    }
