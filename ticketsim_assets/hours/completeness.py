"""Completeness of an hour: the rule, over plain data that `ticketsim_assets.hours.receipts` gathers.

For every run with events or receipts in the hour, each of its ``run_venues`` venues has sent its seven receipts for the
hour, or final ones for an earlier hour, and the lake holds at least as many rows as the receipts count.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulator.events import ACTIVITY_TYPES


@dataclass(frozen=True, slots=True)
class Receipt:
    """The contents of one hour_closed message, except for its hour."""

    run_id: str
    venue_id: str
    of_event_type: str
    event_count: int
    run_venues: int
    final: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """The receipts and runs of one hour in the lake."""

    receipts: tuple[Receipt, ...]
    runs: frozenset[str]  #: runs with events or receipts in the hour
    finished: Mapping[str, frozenset[str]]  #: per run, venues whose final receipts are of an earlier hour


def missing_receipts(evidence: Evidence) -> list[str]:
    """Return one sentence for every run or venue with missing receipts."""
    return list(_missing_receipts(evidence))


def _missing_receipts(evidence: Evidence) -> Iterator[str]:
    types_by_venue: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    venues_of_run: dict[str, int] = {}
    for receipt in evidence.receipts:
        types_by_venue[receipt.run_id][receipt.venue_id].add(receipt.of_event_type)
        venues_of_run[receipt.run_id] = receipt.run_venues
    for run_id in sorted(evidence.runs):
        if run_id not in venues_of_run:
            yield f"run {run_id} has events but no receipt"
            continue
        closed = 0
        for venue_id, types in sorted(types_by_venue[run_id].items()):
            absent = [event_type for event_type in ACTIVITY_TYPES if event_type not in types]
            if absent:
                yield f"venue {venue_id} of run {run_id} has sent no receipt for {', '.join(absent)}"
            closed += 1
        closed += len(evidence.finished.get(run_id, frozenset()) - types_by_venue[run_id].keys())
        if closed < venues_of_run[run_id]:
            yield f"run {run_id} has receipts of {closed} of its {venues_of_run[run_id]} venues"


def short_by_type(receipts: tuple[Receipt, ...], rows: Mapping[str, int]) -> list[str]:
    """Return the event types with fewer rows in the lake than the receipts count; duplicates can hide a loss here.

    Args:
        receipts: The hour's receipts.
        rows: Rows of the hour per event type, from the log's statistics.
    """
    expected: Counter[str] = Counter()
    for receipt in receipts:
        expected[receipt.of_event_type] += receipt.event_count
    return [
        f"{event_type}: {rows.get(event_type, 0)} rows of {count}"
        for event_type, count in sorted(expected.items())
        if rows.get(event_type, 0) < count
    ]


def short_exactly(receipts: tuple[Receipt, ...], distinct: Mapping[tuple[str, str, str], int]) -> list[str]:
    """Return the runs, venues and types with fewer distinct events in the lake than their receipt counts.

    Args:
        receipts: The hour's receipts.
        distinct: Distinct event ids of the hour per (run_id, venue_id, event_type).
    """
    return [
        f"venue {r.venue_id} of run {r.run_id}, {r.of_event_type}: {found} events of {r.event_count}"
        for r in receipts
        if (found := distinct.get((r.run_id, r.venue_id, r.of_event_type), 0)) < r.event_count
    ]


def is_late(last_commit: datetime, now: datetime, lateness: timedelta, lag: int | None) -> bool:
    """Return whether the lateness has passed: ``lateness`` since the last commit, with no consumer lag.

    Args:
        last_commit: When the newest commit that changed the hour was made.
        now: The wall clock.
        lateness: How long to wait for missing receipts.
        lag: Messages that the stream has not committed yet; None if the broker does not answer, which does not prove
            that nothing is in flight.
    """
    return lag == 0 and now - last_commit >= lateness
