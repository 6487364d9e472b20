"""Writes docs/data-dictionary.md from the descriptions in dbt/models: ``python dbt/data_dictionary.py``."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import yaml

_MODELS = Path(__file__).parent / "models"

DESTINATION = Path(__file__).parents[1] / "docs" / "data-dictionary.md"

_INTRODUCTION = """# Data dictionary

The warehouse's tables, from raw to marts. This page is written by `python dbt/data_dictionary.py` from the descriptions
in `dbt/models`, which Dagster and `dbt docs` show as well; a test fails if it is not current.

- Times are UTC, durations whole microseconds (`_us`), money whole cents. Types are DuckDB's; BigQuery says `float64`
  for `double`.
- Every mart has `run_id` in its grain: runs may share hours and venues, and stay apart.
- An activity belongs to the hour in which it **ends**. `event_date` is the date of that hour, and what both engines
  prune by: name it in a query's `where`.
- Percentiles are by nearest rank: the smallest value that at least so many percent of the values do not exceed. They
  cannot be added up; over several hours, take the histogram, or the facts.
- A percentile from a histogram (`percentile_from_bins` in `dbt/macros/bins.sql`) lies in the right bin, and in it as if
  its durations lay at equal distances: it is off by less than the bin's width, at most a quarter of its lower edge, or
  4 s below 16 s. Measured with the events of `make demo`, 300 ranges of hours and venues at random, weighted by
  visitors: medians and 95th percentiles of waits and of times from bus to gate are off by 0.2 to 2.3 % in half of
  them, by 9 % at most in 95 of 100, and by 15 % at worst. Longer than four hours, in the open bin, a
  duration is known to be that and no more.
- An average over any hours, venues and runs is a sum divided by a sum: `sum(wait_in_seller_line_visitor_us) /
  sum(wait_in_seller_line_visitors)`.
- On BigQuery `raw`, `staging` and `marts` are datasets (with the prefix of the settings), times are `TIMESTAMP`, and
  facts and raw tables refuse a query that names no `event_date`. Loads are free; what dbt replaces is billed by the
  bytes of the days that it touches.
- A mart's column without "null" in its description is never null: contracts are enforced.
"""

_LAYERS = (
    ("marts", "Marts", "Query these. Facts and `agg_` tables are replaced hour by hour; dimensions are merged into."),
    (
        "staging",
        "Staging",
        "Views over raw: one per event type with the same rows, their hour and duration, and one per other raw table.",
    ),
)


def page() -> str:
    """The page as Markdown."""
    return "\n".join([_INTRODUCTION, *_layers(), *_sources()]).rstrip() + "\n"


def _layers() -> Iterator[str]:
    for folder, title, says in _LAYERS:
        yield f"## {title}\n\n{says}\n"
        for path in sorted((_MODELS / folder).glob("[a-z]*.yml")):
            for model in yaml.safe_load(path.read_text())["models"]:
                yield _table(f"{folder}.{model['name']}", model)


def _sources() -> Iterator[str]:
    for source in yaml.safe_load((_MODELS / "staging" / "_sources.yml").read_text())["sources"]:
        yield f"## Raw\n\n{_words(source['description'])}\n"
        for table in source["tables"]:
            yield _table(f"{source['name']}.{table['name']}", table)


def _table(name: str, described: Mapping[str, Any]) -> str:
    text, grain = re.fullmatch(r"(.*?)\s*(One row per [^.]+\.)", _words(described["description"])).groups()
    lines = [
        f"### {name}",
        "",
        f"**{grain}** {text}".rstrip(),
        "",
        "| column | type | meaning |",
        "| --- | --- | --- |",
    ]
    for column in described["columns"]:
        kind = _words(column.get("data_type", ""))
        lines.append(f"| {column['name']} | {kind} | {_words(column['description'])} |")
    return "\n".join(lines) + "\n"


def _words(text: str) -> str:
    """``text`` in one line, with dbt's doc blocks in place, for DuckDB."""
    rendered = jinja2.Template(text).render(doc=_doc, target=SimpleNamespace(type="duckdb"))
    return " ".join(rendered.split()).replace("|", "\\|")


def _doc(name: str) -> str:
    blocks = dict(re.findall(r"{% docs (\w+) %}(.*?){% enddocs %}", (_MODELS / "columns.md").read_text(), re.DOTALL))
    return blocks[name]


if __name__ == "__main__":
    DESTINATION.write_text(page())
