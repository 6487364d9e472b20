"""A mutant: one small edit that takes out a safety measure."""

from dataclasses import dataclass
from pathlib import Path

from ..node_ids import ROOT


class Misplaced(Exception):
    """The text that a mutant replaces does not stand exactly once where it should."""


@dataclass(frozen=True)
class Mutant:
    """One safety measure taken out, and the tests that must fail without it."""

    name: str
    removes: str  #: what is no longer done, a sentence for docs/guarantees.md
    guarantee: int  #: its number there
    file: str  #: relative to the repository
    old: str  #: stands there exactly once
    new: str
    tests: tuple[str, ...]  #: node ids, as few and as quick as possible

    def mutated(self, root: Path = ROOT) -> str:
        """The file's text with the edit.

        Raises:
            Misplaced: The old text is not there, or more than once.
        """
        text = (root / self.file).read_text(encoding="utf-8")
        found = text.count(self.old)
        if found != 1:
            raise Misplaced(
                f"Mutant {self.name}: {self.old!r} stands {found} times in {self.file}, not once. Edit the mutant in "
                "tests/mutants/catalogue.py so that it takes out the same measure from the code as it is now."
            )
        return text.replace(self.old, self.new)
