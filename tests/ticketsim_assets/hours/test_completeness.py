from datetime import UTC, datetime, timedelta

import pytest

from simulator.events import ACTIVITY_TYPES
from ticketsim_assets.hours.completeness import (
    Evidence,
    Receipt,
    is_late,
    missing_receipts,
    short_by_type,
    short_exactly,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def receipts(run: str, venue: str, *, venues: int = 1, count: int = 5, final: bool = False) -> tuple[Receipt, ...]:
    return tuple(Receipt(run, venue, event_type, count, venues, final) for event_type in ACTIVITY_TYPES)


def test_an_hour_with_all_receipts_of_all_venues_lacks_none():
    evidence = Evidence(receipts("a", "north", venues=2) + receipts("a", "south", venues=2), frozenset({"a"}), {})
    assert missing_receipts(evidence) == []


def test_an_hour_without_anything_in_it_lacks_nothing():
    assert missing_receipts(Evidence((), frozenset(), {})) == []


@pytest.mark.parametrize("absent", ACTIVITY_TYPES)
def test_one_receipt_that_is_not_there_is_named(absent):
    there = tuple(receipt for receipt in receipts("a", "north") if receipt.of_event_type != absent)
    [sentence] = missing_receipts(Evidence(there, frozenset({"a"}), {}))
    assert "north" in sentence
    assert absent in sentence


def test_a_venue_that_has_sent_nothing_is_missed_by_number():
    [sentence] = missing_receipts(Evidence(receipts("a", "north", venues=3), frozenset({"a"}), {}))
    assert "1 of its 3 venues" in sentence


def test_a_venue_that_finished_in_an_earlier_hour_is_not_missed():
    evidence = Evidence(receipts("a", "north", venues=2), frozenset({"a"}), {"a": frozenset({"south"})})
    assert missing_receipts(evidence) == []


def test_a_venue_that_finished_earlier_and_is_here_again_counts_once():
    evidence = Evidence(receipts("a", "north", venues=2), frozenset({"a"}), {"a": frozenset({"north"})})
    assert missing_receipts(evidence) != []


def test_a_run_with_events_but_no_receipt_is_named_beside_one_that_is_complete():
    [sentence] = missing_receipts(Evidence(receipts("a", "north"), frozenset({"a", "dead"}), {}))
    assert "dead" in sentence


def test_fewer_rows_than_the_receipts_of_all_runs_count_is_short():
    counted = receipts("a", "north") + receipts("b", "north")
    rows = dict.fromkeys(ACTIVITY_TYPES, 10)
    assert short_by_type(counted, rows) == []
    assert short_by_type(counted, {**rows, "scan_tickets": 9}) == ["scan_tickets: 9 rows of 10"]


def test_copies_do_not_hide_a_loss_from_the_exact_count():
    counted = receipts("a", "north")
    distinct = {("a", "north", event_type): 5 for event_type in ACTIVITY_TYPES}
    assert short_exactly(counted, distinct) == []
    [sentence] = short_exactly(counted, {**distinct, ("a", "north", "buy_tickets"): 4})
    assert "buy_tickets: 4 events of 5" in sentence


@pytest.mark.parametrize(
    ("minutes", "lag", "late"), [(9, 0, False), (10, 0, True), (600, 1, False), (600, None, False)]
)
def test_only_time_without_lag_is_lateness(minutes, lag, late):
    assert is_late(NOW - timedelta(minutes=minutes), NOW, timedelta(minutes=10), lag) is late
