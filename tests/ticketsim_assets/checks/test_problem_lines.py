from datetime import UTC, datetime, timedelta

from ticketsim_assets.checks.problem_lines import problem_lines
from ticketsim_assets.checks.reconciliation import Problem

FIRST = datetime(2026, 11, 27, 22, tzinfo=UTC)


def without_receipt(hours: int, event_type: str, venue: str = "venue-2") -> Problem:
    hour = FIRST + timedelta(hours=hours)
    return Problem("run", venue, hour, event_type, "unproved", None, 5, "no receipt")


def wrong(event_type: str) -> Problem:
    return Problem("run", "venue-1", FIRST, event_type, "wrong", 3, 2, "1 of 3 missing")


def test_a_range_of_hours_without_receipts_is_one_line_for_each_venue():
    types = ["scan_tickets", "buy_tickets"]
    problems = [without_receipt(hour, event_type) for hour in (0, 1, 2) for event_type in types]
    assert problem_lines([*problems, without_receipt(0, "scan_tickets", "venue-3")]) == [
        (
            "unproved: run run, venue venue-2, hour 2026-11-27T22:00Z to 2026-11-28T00:00Z (3 hours): no receipt, "
            "6 pairs of hour and event type",
            "unproved",
        ),
        (str(without_receipt(0, "scan_tickets", "venue-3")), "unproved"),
    ]


def test_hours_with_a_receipt_between_others_without_end_the_range():
    lines = [line for line, _ in problem_lines([without_receipt(hour, "buy_tickets") for hour in (0, 1, 4)])]
    assert lines == [
        "unproved: run run, venue venue-2, hour 2026-11-27T22:00Z to 2026-11-27T23:00Z (2 hours): no receipt, "
        "2 pairs of hour and event type",
        "unproved: run run, venue venue-2, hour 2026-11-28T02:00Z: no receipt, 1 pair of hour and event type",
    ]


def test_what_differs_from_a_receipt_is_said_one_by_one_and_in_order():
    problems = [wrong("buy_tickets"), wrong("scan_tickets"), without_receipt(0, "scan_tickets")]
    assert problem_lines(problems) == [(str(problem), problem.state) for problem in problems]
