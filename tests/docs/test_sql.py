"""Every SQL statement of a page names tables and columns that are there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify

from ticketsim_assets.warehouse.schema import RAW_TABLES

ROOT = Path(__file__).parents[2]

PAGES = sorted([ROOT / "README.md", ROOT / "dbt/README.md", *ROOT.glob("docs/**/*.md")])

#: What Terraform puts before the datasets' names on BigQuery.
PREFIX = "ticketsim_"

_QUOTED = re.compile(
    r"""(?P<quote>['"])(?P<sql>(?:select|with|delete from|update|insert into)\s.+?)(?P=quote)""", re.DOTALL
)

_BLOCK = re.compile(r"^```sql\n(?P<sql>.*?)^```$", re.DOTALL | re.MULTILINE)


def statements(text: str) -> Iterator[str]:
    """The statements in blocks of SQL, and those that a command or a program has as a string."""
    text = re.sub(r'"\n\s+"', "", text)  # one string in two lines of Python
    for found in (*_BLOCK.finditer(text), *_QUOTED.finditer(text)):
        yield found["sql"]


@pytest.fixture(scope="module")
def tables() -> dict[str, dict[str, dict[str, str]]]:
    """Columns and types by dataset and table, from the contracts of dbt's models and the loader's tables."""
    raw = {table: {column.name: "string" for column in columns} for table, columns in RAW_TABLES.items()}
    found: dict[str, dict[str, dict[str, str]]] = {"raw": raw}
    for path in ROOT.glob("dbt/models/*/*.yml"):
        layer = found.setdefault(path.parent.name, {})
        for model in yaml.safe_load(path.read_text()).get("models", []):
            layer[model["name"]] = {column["name"]: column.get("data_type", "string") for column in model["columns"]}
    return found | {f"{PREFIX}{name}": layer for name, layer in found.items()}


def error(sql: str, tables: dict[str, dict[str, dict[str, str]]]) -> str | None:
    """What is wrong with a statement; None if nothing is."""
    dialect = "bigquery" if PREFIX in sql else "duckdb"
    try:
        parsed = parse_one(sql, dialect=dialect)
        for table in parsed.find_all(exp.Table):
            if table.name not in tables.get(table.db, {}):
                return f"there is no table {table.sql()}"
        if isinstance(parsed, exp.Delete | exp.Update):
            parsed = exp.select("*").from_(parsed.this).where(parsed.args["where"].this)
        qualify(parsed, schema=tables, dialect=dialect)
    except SqlglotError as wrong:
        return str(wrong)
    return None


@pytest.mark.parametrize("path", PAGES, ids=[path.relative_to(ROOT).as_posix() for path in PAGES])
def test_every_statement_of_a_page_names_what_is_there(path: Path, tables: dict[str, dict[str, dict[str, str]]]):
    assert [wrong for sql in statements(path.read_text()) if (wrong := error(sql, tables))] == []


def test_statements_are_found_in_commands_and_programs():
    found = [sql for path in PAGES for sql in statements(path.read_text())]
    assert any(sql.startswith("select hour_start") for sql in found)
    assert any(sql.startswith("delete from raw.events") for sql in found)


@pytest.mark.parametrize(
    ("sql", "wrong"),
    [
        ("select hour from ticketsim_marts.agg_venue_hourly group by hour", "hour"),
        ("select run_id from ticketsim_marts.agg_venues", "there is no table"),
        ("delete from raw.events where id = ?", "id"),
        ("select (run_id from raw.events", "Expecting )"),
    ],
)
def test_a_planted_slip_is_found(sql: str, wrong: str, tables: dict[str, dict[str, dict[str, str]]]):
    found = error(sql, tables)
    assert found
    assert wrong in found
