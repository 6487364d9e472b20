"""The list of mutants is that of the code as it is: each edit fits, its tests are there, and the page names it."""

import ast
from pathlib import PurePath

import pytest

from ..docs.test_guarantees import guarantees
from ..node_ids import is_missing
from .catalogue import MUTANTS
from .mutant import Misplaced, Mutant
from .table import PAGE, with_table
from .trial import _judge, _Outcome

EVERY_MUTANT = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)


@EVERY_MUTANT
def test_what_a_mutant_replaces_stands_there_exactly_once_and_its_tests_are_there(mutant: Mutant):
    changed = mutant.mutated()
    assert mutant.new != mutant.old
    if PurePath(mutant.file).suffix == ".py":
        ast.parse(changed)
    assert [test for test in mutant.tests if is_missing(test)] == []
    assert mutant.tests


def test_there_are_many_of_different_names_and_of_every_guarantee_that_a_measure_keeps():
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 20
    assert {mutant.guarantee for mutant in MUTANTS} <= guarantees(PAGE.read_text(encoding="utf-8")).keys()


@pytest.mark.parametrize("text", ["one = 1\n", "two = 2\ntwo = 2\n"])
def test_a_mutant_whose_text_has_changed_is_named_with_its_file(tmp_path, text):
    (tmp_path / "gone.py").write_text(text)
    mutant = Mutant("late", "It is done.", 1, "gone.py", "two = 2\n", "two = 3\n", ())
    with pytest.raises(Misplaced, match=r"Mutant late: 'two = 2\\n' stands [02] times in gone\.py, not once"):
        mutant.mutated(tmp_path)


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (_Outcome(("assert 1 == 2",), (), 0), "caught"),
        (_Outcome(("Failed: DID NOT RAISE LeaseHeld",), (), 3), "caught"),
        (_Outcome(("streaming.exceptions.LeaseHeld: lake x is being written",), (), 0), "caught"),
        (_Outcome((), (), 1), "survived"),
        (_Outcome(("NameError: name 'x' is not defined",), (), 1), "broken"),
        (_Outcome(("Failed: Timeout (>300.0s) from pytest-timeout.",), (), 1), "broken"),
        (_Outcome((), ("collection failure\nImportError: no x",), 0), "broken"),
        (_Outcome((), (), 0), "broken"),
    ],
)
def test_only_a_failure_that_is_meant_catches_a_mutant(outcome, verdict):
    assert _judge(outcome)[0] == verdict


def test_the_table_in_the_page_is_that_of_the_mutants():
    text = PAGE.read_text(encoding="utf-8")
    assert text == with_table(text), "recreate it: .venv/bin/python -m tests.mutants.table"
