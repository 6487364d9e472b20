"""``python -m tests.mutants.table``: write the table of mutants into docs/guarantees.md."""

from collections.abc import Iterable
from typing import Final

from ..node_ids import ROOT
from .catalogue import MUTANTS
from .mutant import Mutant

PAGE: Final = ROOT / "docs/guarantees.md"

#: The table stands between these two lines.
BEGIN: Final = "<!-- mutants: python -m tests.mutants.table -->\n"
END: Final = "<!-- end of mutants -->\n"


def table(mutants: Iterable[Mutant]) -> str:
    """Return the rows in Markdown: what each mutant takes out, of which guarantee, and the tests that catch it."""
    heading = "\n| mutant | measure taken out | guarantee | caught by |\n| --- | --- | --- | --- |\n"
    return (
        heading
        + "".join(
            f"| {mutant.name} | {mutant.removes} | {mutant.guarantee} | {' '.join(map(_code, mutant.tests))} |\n"
            for mutant in mutants
        )
        + "\n"
    )


def with_table(page: str) -> str:
    """Return ``page`` with the table as it is to be; the rest is left alone."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table(MUTANTS)}{END}{after}"


def _code(test: str) -> str:
    return f"`{test}`"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
