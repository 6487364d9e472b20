"""docs/data-dictionary.md says what the models say."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]

dictionary = runpy.run_path(str(ROOT / "dbt" / "data_dictionary.py"))


def test_the_page_is_current():
    assert dictionary["DESTINATION"].read_text() == dictionary["page"](), "run: python dbt/data_dictionary.py"


def test_every_mart_stands_in_it_with_its_grain():
    page = dictionary["page"]()
    for path in (ROOT / "dbt/models/marts").glob("*.sql"):
        [section] = [part for part in page.split("\n### ") if part.startswith(f"marts.{path.stem}\n")]
        assert section.split("\n")[2].startswith("**One row per ")
        assert "run" in section.split("\n")[2] or path.stem in {"agg_quarantine_hourly", "dim_duration_bins"}
