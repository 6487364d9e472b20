from datetime import UTC, datetime, timedelta

import pytest

from streaming.hour import Hour
from ticketsim_assets.hours.due import MAX_CRASHES, MAX_FAILURES, DueHour, due_again, plan_requests, settled

NOW = datetime(2026, 3, 2, tzinfo=UTC)
FIRST = Hour(datetime(2026, 3, 1, tzinfo=UTC))


def hour(offset: int) -> Hour:
    return Hour(FIRST.start + timedelta(hours=offset))


def due(fingerprint: int = 5, *, age: int = 600, **state) -> DueHour:
    return DueHour(fingerprint, (NOW - timedelta(seconds=age)).timestamp(), **state)


def plan(states, *, not_now=()):
    return plan_requests(states, NOW, debounce=timedelta(minutes=2), not_now=not_now)


def test_hours_due_for_the_first_time_are_asked_for_as_ranges_oldest_first():
    requests = plan({hour(4): due(), hour(0): due(7), hour(1): due(9)})
    assert [(request.first, request.last) for request in requests] == [(hour(0), hour(1)), (hour(4), hour(4))]
    assert requests[0].run_key.endswith("@9#1")


def test_first_loads_and_reloads_are_asked_for_apart():
    requests = plan({hour(0): due(), hour(1): due(reload=True)})
    assert [(request.first, request.reason) for request in requests] == [
        (hour(0), "hour_complete"),
        (hour(1), "late_data"),
    ]


def test_a_reload_waits_for_the_interval_after_its_first_change():
    assert plan({hour(0): due(reload=True, age=30)}) == []
    assert len(plan({hour(0): due(reload=True, age=180)})) == 1


def test_an_hour_whose_run_is_under_way_is_not_asked_for_again():
    assert plan({hour(0): due(run_key="2026-03-01-00:00@5#1")}) == []


def test_an_hour_that_any_run_is_loading_is_not_asked_for():
    requests = plan({hour(n): due() for n in range(3)}, not_now={hour(1)})
    assert [(request.first, request.last) for request in requests] == [(hour(0), hour(0)), (hour(2), hour(2))]


def test_hours_of_a_failed_range_are_asked_for_one_by_one_under_new_keys():
    failed = settled(due(run_key="range"), "failed")
    requests = plan({hour(0): failed, hour(1): failed, hour(2): due()})
    assert [(request.first, request.last) for request in requests] == [(hour(n), hour(n)) for n in range(3)]
    assert [request.run_key.rsplit("#")[-1] for request in requests] == ["2", "2", "1"]


def test_hours_of_a_killed_range_are_asked_for_as_a_range_under_a_new_key():
    killed = settled(due(run_key="range"), "crashed")
    [request] = plan({hour(0): killed, hour(1): killed})
    assert (request.first, request.last) == (hour(0), hour(1))
    assert request.run_key.endswith("#2")


def test_a_run_that_succeeded_with_older_data_uses_up_its_key_but_no_attempt():
    after = settled(due(run_key="5#1"), "succeeded")
    assert (after.failures, after.crashes) == (0, 0)
    assert plan({hour(0): after})[0].run_key.endswith("#2")


def test_a_run_that_was_asked_for_but_never_made_leaves_its_key_free():
    assert plan({hour(0): settled(due(run_key="lost"), "unknown")})[0].run_key.endswith("#1")


def test_a_run_under_way_leaves_everything_as_it_is():
    assert settled(due(run_key="5#1"), "under_way") == due(run_key="5#1")


@pytest.mark.parametrize(("outcome", "most"), [("failed", MAX_FAILURES), ("crashed", MAX_CRASHES)])
def test_an_hour_whose_runs_keep_ending_badly_is_left_alone_until_its_data_changes(outcome, most):
    state = due()
    for attempt in range(most):
        [request] = plan({hour(0): state})
        assert request.run_key.endswith(f"#{attempt + 1}")
        state = settled(due(asked=state.asked, failures=state.failures, crashes=state.crashes, run_key="k"), outcome)
    assert plan({hour(0): state}) == []
    [request] = plan({hour(0): due_again(state, 6, (NOW - timedelta(minutes=5)).timestamp(), reload=False)})
    assert request.run_key.endswith("@6#1")


def test_a_storm_of_changes_does_not_put_off_its_reload():
    state = None
    for seconds in range(0, 120, 20):
        state = due_again(state, 5 + seconds, (NOW - timedelta(seconds=121 - seconds)).timestamp(), reload=True)
    [request] = plan({hour(0): state})
    assert "@105#1" in request.run_key


def test_a_later_change_has_another_key_than_the_one_before():
    [before], [after] = plan({hour(0): due(5)}), plan({hour(0): due(6)})
    assert before.run_key != after.run_key
