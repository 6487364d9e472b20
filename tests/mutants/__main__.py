"""``python -m tests.mutants``: take out one safety measure after the other, and see whether the suite notices.

Ends with 1 if the tests of more than one mutant pass, or of the one that was asked for.
"""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from .catalogue import MUTANTS
from .copies import NotTheCopy
from .mutant import Misplaced, Mutant
from .trial import Trial, UnmutatedFails, require_passed, try_out

#: How many may go unnoticed: a measure may be missed by one list of quick tests, and be seen by others.
_MAY_SURVIVE = 1


def main(arguments: Sequence[str]) -> int:
    """Try out all mutants, or those that are named, and print a table; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", action="append", metavar="NAME", choices=[mutant.name for mutant in MUTANTS])
    only = parser.parse_args(arguments).only
    chosen = [mutant for mutant in MUTANTS if not only or mutant.name in only]
    console = Console(stderr=True)
    try:
        console.print("the tests without any mutant")
        require_passed(chosen)
        trials = [_tried(mutant, console) for mutant in chosen]
    except (Misplaced, NotTheCopy, UnmutatedFails) as error:
        console.print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        return 1
    Console().print(_table(trials))
    missed = [trial for trial in trials if trial.verdict != "caught"]
    return len(missed) > (0 if only else _MAY_SURVIVE)


def _tried(mutant: Mutant, console: Console) -> Trial:
    trial = try_out(mutant)
    said = f"{trial.seconds:4.0f} s  {trial.verdict}  {mutant.name}: {trial.said}"
    console.print(said, markup=False, highlight=False, soft_wrap=True)
    return trial


def _table(trials: Sequence[Trial]) -> Table:
    caught = sum(trial.verdict == "caught" for trial in trials)
    table = Table("mutant", "measure taken out", "verdict", title=f"{caught} of {len(trials)} mutants caught")
    for trial in trials:
        table.add_row(trial.mutant.name, trial.mutant.removes, trial.verdict)
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
