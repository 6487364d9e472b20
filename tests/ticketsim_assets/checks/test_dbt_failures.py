"""What a failed dbt test says, over rows as DuckDB gives them."""

from collections.abc import Iterator

import dagster as dg
import duckdb
import pytest

from ticketsim_assets.checks.dbt_failures import describe_rows, failing_rows, with_failing_rows

FOUND = """
select 'r' as run_id, 'north' as venue_id, timestamp '2026-11-20 03:00:00' as hour_start,
    'revenue_cents' as figure, '500' as expected, cast(501 + range as varchar) as actual
from range({count})
"""


@pytest.fixture
def reader() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def result(unique_id: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=False,
        asset_key=dg.AssetKey("sales"),
        check_name="identity",
        severity=dg.AssetCheckSeverity.WARN,
        description="Got 1 result",
        metadata={"unique_id": unique_id, "status": "fail"},
    )


def test_venue_hour_figure_and_difference_are_named_and_the_rows_are_a_table(reader):
    [better] = with_failing_rows([result("test.a")], {"test.a": FOUND.format(count=3)}, reader)
    assert better.description == (
        "venue north of run r, 2026-11-20T03:00Z, revenue_cents: expected 500, found 501 (and 2 more)"
    )
    assert (better.check_name, better.passed, better.severity) == ("identity", False, dg.AssetCheckSeverity.WARN)
    assert better.metadata["status"].value == "fail"
    assert [row.data["actual"] for row in better.metadata["rows"].value.records] == ["501", "502", "503"]


def test_a_row_without_a_figure_is_told_by_its_columns(reader):
    rows = failing_rows(reader, "select 'r' as run_id, null as venue_id, 2 as row_count")
    assert describe_rows(rows) == "run_id r, venue_id None, row_count 2"


def test_a_long_list_is_cut_and_says_so(reader):
    [better] = with_failing_rows([result("test.a")], {"test.a": FOUND.format(count=1000)}, reader)
    assert better.description.endswith("(and 50 or more)")
    assert len(better.metadata["rows"].value.records) == 50


def test_a_test_that_could_not_run_keeps_what_dbt_said(reader):
    assert [r.description for r in with_failing_rows([result("test.unknown")], {}, reader)] == ["Got 1 result"]
