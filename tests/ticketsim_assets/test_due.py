from datetime import UTC, datetime, timedelta

from streaming.hour import Hour
from ticketsim_assets.due import MAX_ATTEMPTS, DueHour, plan_requests

NOW = datetime(2026, 3, 2, tzinfo=UTC)
FIRST = Hour(datetime(2026, 3, 1, tzinfo=UTC))


def hour(offset: int) -> Hour:
    return Hour(FIRST.start + timedelta(hours=offset))


def due(fingerprint: int = 5, *, age: int = 600, **state) -> DueHour:
    return DueHour(fingerprint, (NOW - timedelta(seconds=age)).timestamp(), **state)


def plan(states, *, first_loads=True):
    return plan_requests(states, NOW, first_loads=first_loads, debounce=timedelta(minutes=2))


def test_hours_due_for_the_first_time_are_asked_for_as_ranges_oldest_first():
    requests = plan({hour(4): due(), hour(0): due(7), hour(1): due(9)})
    assert [(request.first, request.last) for request in requests] == [(hour(0), hour(1)), (hour(4), hour(4))]
    assert requests[0].run_key.endswith("@9#1")


def test_who_may_not_ask_for_first_loads_still_asks_for_reloads():
    [request] = plan({hour(0): due(), hour(1): due(reload=True)}, first_loads=False)
    assert (request.first, request.reason) == (hour(1), "late_data")


def test_a_reload_waits_until_its_hour_has_rested():
    assert plan({hour(0): due(reload=True, age=30)}) == []
    assert len(plan({hour(0): due(reload=True, age=180)})) == 1


def test_an_hour_whose_run_is_under_way_is_not_asked_for_again():
    assert plan({hour(0): due(run_key="2026-03-01-00:00@5#1")}) == []


def test_hours_of_a_failed_range_are_asked_for_one_by_one_under_new_keys():
    requests = plan({hour(0): due(attempts=1), hour(1): due(attempts=1), hour(2): due()})
    assert [(request.first, request.last) for request in requests] == [(hour(n), hour(n)) for n in range(3)]
    assert [request.run_key.rsplit("#")[-1] for request in requests] == ["2", "2", "1"]


def test_an_hour_that_keeps_failing_is_left_alone_until_its_data_changes():
    assert plan({hour(0): due(attempts=MAX_ATTEMPTS)}) == []
    assert len(plan({hour(0): due(fingerprint=6)})) == 1


def test_a_later_change_has_another_key_than_the_one_before():
    [before], [after] = plan({hour(0): due(5)}), plan({hour(0): due(6)})
    assert before.run_key != after.run_key
