"""Trials: the tests of a mutant on a copy with its edit, and what their failures say."""

import re
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from xml.etree import ElementTree

from .copies import copy_of_the_repository, environment_of, require_imported
from .mutant import Mutant

#: ``caught``: a test failed as it should; ``survived``: none did; ``broken``: they could not run, which says nothing.
Verdict = Literal["caught", "survived", "broken"]

#: How long a test may take, seconds; one that hangs has not said what is wrong.
_TEST_TIMEOUT_S: Final = 300

#: A failure that is meant: of an assertion, of ``[one] = found``, of ``pytest.raises`` or ``pytest.fail``, or an error
#: of our packages.
_MEANT: Final = re.compile(
    r"assert |AssertionError|ValueError: (not enough|too many) values to unpack|Failed: (?!Timeout)"
    r"|(simulator|streaming|ticketsim_assets|ticketsim)\.([a-z_]+\.)*exceptions\."
)


class UnmutatedFails(Exception):
    """Tests fail without any mutant."""


@dataclass(frozen=True)
class Trial:
    """What the tests of a mutant said."""

    mutant: Mutant
    verdict: Verdict
    said: str  #: the first line of the first failure
    seconds: float


@dataclass(frozen=True)
class _Outcome:
    failures: tuple[str, ...]  #: of tests
    errors: tuple[str, ...]  #: of fixtures, of imports, of pytest itself
    passed: int


def require_passed(mutants: Iterable[Mutant]) -> None:
    """Run the tests of ``mutants`` on a copy without an edit.

    Raises:
        UnmutatedFails: One of them does not pass.
        NotTheCopy: Tests would not see the copy's modules.
    """
    tests = tuple(dict.fromkeys(test for mutant in mutants for test in mutant.tests))
    with copy_of_the_repository() as copy:
        require_imported(copy)
        outcome = _run(copy, tests)
    if outcome.failures or outcome.errors or outcome.passed < len(tests):
        said = "\n".join([*outcome.failures, *outcome.errors]) or f"{outcome.passed} of {len(tests)} passed"
        raise UnmutatedFails(f"Tests fail without any mutant, so they can say nothing about mutants:\n{said}")


def try_out(mutant: Mutant) -> Trial:
    """Run the tests of ``mutant`` on a copy with its edit."""
    started = time.monotonic()
    with copy_of_the_repository() as copy:
        text = mutant.mutated(copy)
        (copy / mutant.file).write_text(text, encoding="utf-8")
        outcome = _run(copy, mutant.tests, "--exitfirst")
    return Trial(mutant, *_judge(outcome), time.monotonic() - started)


def _judge(outcome: _Outcome) -> tuple[Verdict, str]:
    meant = [failure for failure in outcome.failures if _MEANT.match(failure)]
    if meant:
        return "caught", meant[0].partition("\n")[0]
    broken = [*outcome.errors, *outcome.failures]
    if broken or not outcome.passed:
        return "broken", (broken or ["no test ran"])[0].partition("\n")[0]
    return "survived", ""


def _run(copy: Path, tests: Sequence[str], *options: str) -> _Outcome:
    report = copy.parent / "report.xml"
    command = [
        *(sys.executable, "-m", "pytest", "-n", "0", "--quiet", "-p", "no:cacheprovider", *options),
        *(f"--timeout={_TEST_TIMEOUT_S}", f"--junitxml={report}", f"--basetemp={copy.parent / 'tmp'}", *tests),
    ]
    done = subprocess.run(
        command,
        cwd=copy,
        env=environment_of(copy),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if not report.exists():
        return _Outcome((), (done.stdout.strip() or "pytest said nothing",), 0)
    cases = ElementTree.parse(report).getroot().iter("testcase")  # noqa: S314 - pytest has written it
    failures, errors, passed = [], [], 0
    for case in cases:
        failures += [failure.get("message", "") for failure in case.iter("failure")]
        errors += [f"{error.get('message')}\n{error.text}" for error in case.iter("error")]
        passed += case.find("failure") is None and case.find("error") is None and case.find("skipped") is None
    return _Outcome(tuple(failures), tuple(errors), passed)
