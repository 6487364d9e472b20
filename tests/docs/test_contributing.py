"""The list of rules in docs/contributing.md names files that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]

TEXT = (ROOT / "docs/contributing.md").read_text(encoding="utf-8")


def test_each_rule_is_in_a_file_that_is_there():
    table = TEXT.partition("## Where each rule lives")[2].partition("\n## ")[0]
    files = re.findall(r"\| `([^`]+)` \|$", table, re.MULTILINE)
    assert len(files) == len(set(files)) == 25
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_every_other_file_that_the_page_names_is_there_too():
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]+\.\w+)`", TEXT)
    assert len(named) > 25
    assert [file for file in named if "NAME" not in file and not (ROOT / file).is_file()] == []
