"""The bins of durations as dbt's macro lists them, for warehouses that no dbt has built."""

from pathlib import Path

import duckdb
import jinja2

_MACROS = Path(__file__).parents[1] / "dbt" / "macros" / "bins.sql"


def duration_bin_edges() -> list[int]:
    """Lower edges of the bins, seconds; the last bin is open."""
    returned: list[list[int]] = []
    macros = jinja2.Environment(autoescape=True).from_string(_MACROS.read_text(), globals={"return": returned.append})
    macros.module.__dict__["duration_bin_edges"]()
    return returned[0]


def create_duration_bins(connection: duckdb.DuckDBPyConnection) -> None:
    """Create ``marts.dim_duration_bins`` as dbt would."""
    edges = [edge * 1_000_000 for edge in duration_bin_edges()]
    rows = zip(range(len(edges)), edges, [*edges[1:], None], strict=True)
    connection.execute("create table marts.dim_duration_bins (bin bigint, from_us bigint, to_us bigint)")
    connection.executemany("insert into marts.dim_duration_bins values (?, ?, ?)", [list(row) for row in rows])
