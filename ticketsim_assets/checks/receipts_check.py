"""Guarantee 3 (docs/guarantees.md): an hour of the warehouse equals its receipts, over plain data."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC

import dagster as dg

from streaming.hour import Hour
from ticketsim_assets.checks.reconciliation import Problem

#: A table of problems in the event log; more than this says nothing new and makes the log heavy.
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class HourVerdict:
    """One hour compared with its receipts."""

    hour: Hour
    wrong: tuple[Problem, ...]
    unproved: tuple[Problem, ...]

    @property
    def passed(self) -> bool:
        """Whether every run, venue and event type is proved."""
        return not self.wrong and not self.unproved

    @property
    def severity(self) -> dg.AssetCheckSeverity:
        """ERROR, which blocks what is downstream, for what is wrong; WARN for what has no receipt."""
        return dg.AssetCheckSeverity.ERROR if self.wrong else dg.AssetCheckSeverity.WARN


def evaluate_hours(hours: Sequence[Hour], problems: Iterable[Problem]) -> list[HourVerdict]:
    """Return one verdict for each of ``hours`` from all their ``problems``."""
    by_hour: dict[Hour, list[Problem]] = {hour: [] for hour in hours}
    for problem in problems:
        by_hour[_hour(problem)].append(problem)
    return [
        HourVerdict(
            hour,
            wrong=tuple(p for p in found if p.state == "wrong"),
            unproved=tuple(p for p in found if p.state == "unproved"),
        )
        for hour, found in by_hour.items()
    ]


def describe(verdicts: Sequence[HourVerdict]) -> str:
    """Describe the worst problem in one sentence: venue, hour, event type and difference."""
    wrong = [problem for verdict in verdicts for problem in verdict.wrong]
    unproved = [problem for verdict in verdicts for problem in verdict.unproved]
    for state, problems in (("wrong", wrong), ("unproved", unproved)):
        if problems:
            first = problems[0]
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            return (
                f"{state}: venue {first.venue_id} of run {first.run_id}, {_hour(first)}, "
                f"{first.event_type}: {first.difference}{more}"
            )
    return f"{len(verdicts)} hours equal their receipts" if len(verdicts) > 1 else "the hour equals its receipts"


def metadata(verdicts: Sequence[HourVerdict]) -> Mapping[str, dg.MetadataValue]:
    """Return counts, and a table of the problems, the wrong ones first."""
    wrong = [problem for verdict in verdicts for problem in verdict.wrong]
    unproved = [problem for verdict in verdicts for problem in verdict.unproved]
    found: dict[str, dg.MetadataValue] = {
        "wrong": dg.MetadataValue.int(len(wrong)),
        "unproved": dg.MetadataValue.int(len(unproved)),
    }
    if problems := (wrong + unproved)[:_SHOWN]:
        found["problems"] = dg.MetadataValue.table(
            [
                dg.TableRecord(
                    {
                        "state": problem.state,
                        "run": problem.run_id,
                        "venue": problem.venue_id,
                        "hour": str(_hour(problem)),
                        "event_type": problem.event_type,
                        "difference": problem.difference,
                    }
                )
                for problem in problems
            ]
        )
    return found


def _hour(problem: Problem) -> Hour:
    """Return the problem's hour; the warehouse's times are naive and UTC."""
    return Hour(problem.hour.replace(tzinfo=UTC))
