"""Every guarantee of docs/guarantees.md names tests that exist, and code refers only to guarantees that are there."""

import re

import pytest

from ..node_ids import ROOT, is_missing

PAGE = ROOT / "docs/guarantees.md"


def guarantees(text: str) -> dict[int, list[str]]:
    """The tests that each guarantee names, by its number."""
    sections = re.split(r"^## (\d+)\. .*$", text, flags=re.MULTILINE)[1:]
    return {
        int(number): re.findall(r"^- `(.+)`$", section, re.MULTILINE)
        for number, section in zip(sections[::2], sections[1::2], strict=True)
    }


def test_every_guarantee_names_tests_that_exist():
    named = guarantees(PAGE.read_text(encoding="utf-8"))
    assert list(named) == list(range(1, 9))
    assert [number for number, tests in named.items() if not tests] == []
    assert [test for tests in named.values() for test in tests if is_missing(test)] == []


@pytest.mark.parametrize("test", ["tests/docs/gone.py::test_it", "tests/docs/test_guarantees.py::test_that_is_gone"])
def test_a_test_that_is_gone_is_missed(test: str):
    assert is_missing(test)


def test_code_refers_to_guarantees_that_are_there():
    folders = ("simulator", "streaming", "ticketsim_assets", "ticketsim", "dbt", "benchmarks", "tests")
    sources = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    cited = {
        int(number)
        for path in sources
        for number in re.findall(r"guarantees? (\d+)", path.read_text(encoding="utf-8"), re.IGNORECASE)
    }
    assert cited
    assert cited <= guarantees(PAGE.read_text(encoding="utf-8")).keys()
