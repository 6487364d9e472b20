"""Plans that ``ticketsim plan --json`` made, as marks on the sliders of the page's what-if."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PlanMark:
    """The numbers of servers that a plan found to be the fewest: several where its precision does not decide."""

    name: str
    scenario: str
    sellers: tuple[int, ...]
    scanners: tuple[int, ...]


class _Either(msgspec.Struct, frozen=True):
    """By stage."""

    sellers: tuple[int, ...]
    scanners: tuple[int, ...]


class _Plan(msgspec.Struct, frozen=True):
    """What is read of a plan; docs/planning.md describes all of it."""

    scenario: str
    either: _Either | None = None
    venue_kind: int | None = None
    venue_kinds: "tuple[_Plan, ...]" = ()  #: one for each, where a scenario has venues of several kinds


def read_plans(folder: Path) -> list[PlanMark]:
    """Read the plans in ``folder``, in the order of their files' names; warn of a file that is no plan."""
    marks: list[PlanMark] = []
    for file in sorted(folder.glob("*.json")):
        try:
            marks.extend(_marks(file.read_bytes()))
        except (OSError, msgspec.MsgspecError) as error:
            _LOG.warning("%s is no plan of `ticketsim plan --json` and is not shown: %s", file, error)
    return marks


def plans_of_run(plans: Sequence[PlanMark], run_id: str) -> list[PlanMark]:
    """Return the plans for a run's scenario, whose name begins the id of a run unless ``--run-id`` gave another."""
    return [plan for plan in plans if run_id.startswith(f"{plan.scenario}-")]


def _marks(text: bytes) -> Iterator[PlanMark]:
    plan = msgspec.json.decode(text, type=_Plan)
    for answer in plan.venue_kinds or [plan]:
        if answer.either is None:
            raise msgspec.ValidationError("it has no `either`")
        name = "plan" if answer.venue_kind is None else f"plan, kind {answer.venue_kind}"
        yield PlanMark(name, plan.scenario, answer.either.sellers, answer.either.scanners)
