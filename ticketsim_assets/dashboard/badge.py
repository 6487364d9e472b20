"""What the page's badge says: the verdict on the whole warehouse, whatever a reader chooses to look at."""

from collections.abc import Mapping
from dataclasses import dataclass

from ticketsim_assets.dashboard.data import STATES


@dataclass(frozen=True, slots=True)
class Badge:
    """The worst that was found, in words and counts."""

    state: str  #: one of STATES, or ``unchecked`` if there is nothing to say anything of
    sentence: str
    counts: tuple[str, ...]


def badge_of(receipts: Mapping[str, int], figures: Mapping[str, int]) -> Badge:
    """Return the badge of receipts and figures, each counted by STATES.

    A single receipt or figure that is wrong makes the whole wrong. Figures that are proved prove no hour: only its
    receipts do.
    """
    found = {state: receipts[state] + (figures[state] if state != "proved" else 0) for state in STATES}
    state = next((state for state in ("wrong", "unproved", "counted", "proved") if found[state]), "unchecked")
    sentences = {
        "wrong": _differ(receipts["wrong"], "receipt", "the warehouse")
        if receipts["wrong"]
        else _differ(figures["wrong"], "figure", "the receipts"),
        "unproved": "Some hours have no receipt" if receipts["unproved"] else "Some hours stand in no mart yet",
        "counted": "Hours equal receipts in number and duration",
        "proved": "Every hour equals its receipts",
        "unchecked": "No hour has been checked yet",
    }
    counted = f"{receipts['counted']:,} counted, " if receipts["counted"] else ""
    counts = [f"{receipts['proved']:,} proved, {counted}{receipts['unproved']:,} unproved, {receipts['wrong']:,} wrong"]
    if figures["proved"] or figures["wrong"]:
        counts.append(f"figures: {figures['proved']:,} proved, {figures['wrong']:,} wrong")
    return Badge(state, sentences[state], tuple(counts))


def _differ(count: int, what: str, from_what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'} {'differs' if count == 1 else 'differ'} from {from_what}"
