"""Hours that change after they were loaded: the sensor's look alone, with runs as Dagster records them."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from simulator.chaos import chaos_sink, parse_chaos
from simulator.run import plan_run, simulate
from simulator.scenario import load_scenario
from streaming.hour import Hour, hours_between
from streaming.lake.forgotten_runs import forget_run, recall_run
from ticketsim_assets.dagster_internals import DATA_VERSION_TAG
from ticketsim_assets.hours.due import MAX_FAILURES
from ticketsim_assets.hours.reports import forgotten_metadata
from ticketsim_assets.hours.run_history import last_reported
from ticketsim_assets.keys import HOURLY_JOB, RAW_EVENTS

from ...dagster_records import STEP_FAILED, materialized
from ..conftest import START, Recorder, hour_of, simulated

FIRST = Hour.containing(START)

DEBOUNCE = timedelta(minutes=2)


@pytest.fixture
def loaded(maker, look, run_messages, ends):
    """All hours of the run, loaded with success."""
    maker.append(run_messages)
    [request] = look().hourly
    ends(request)
    assert look().cursor.due == {}


@pytest.fixture
def ends(instance):
    """Lets the run that was asked for end: after it loaded its hours, or badly."""

    def end(request, *, failed: object = None, killed: bool = False):
        [run] = instance.get_runs(dg.RunsFilter(tags={"dagster/run_key": request.run_key}))
        hours = [] if killed else hours_between(request.first, request.last)
        reported = {hour: last_reported(instance, hour) for hour in hours}
        fingerprints = [known.fingerprint for known in reported.values() if known]
        for hour, known in reported.items():
            data = dg.AssetMaterialization(
                RAW_EVENTS,
                partition=hour.key,
                metadata=forgotten_metadata(known.forgotten if known else ()),
                tags={DATA_VERSION_TAG: str(max(fingerprints))},
            )
            now = datetime.now(UTC).timestamp()
            instance.event_log_storage.store_event(materialized(run.run_id, HOURLY_JOB, data, now))
        if failed or killed:
            instance.report_run_failed(run, job_failure_data=failed)
        else:
            instance.report_dagster_event(
                dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, HOURLY_JOB), run_id=run.run_id
            )

    return end


def late(count, run_messages, hour=FIRST):
    """Copies of events of ``hour``: they change its rows and none of its receipts."""
    return [m for m in run_messages if m[0] == "ticketsim.scan_tickets" and hour_of(m) == hour][:count]


def later(maker, delay: timedelta) -> datetime:
    """``delay`` after the newest commit."""
    version = maker.lake.snapshot().version
    return next(maker.lake.commits(version - 1, version)).committed_at + delay


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("first_loads", [True, False])
def test_a_change_is_asked_for_exactly_once_and_only_its_hour(maker, look, run_messages, ends, first_loads):
    maker.append(late(1, run_messages))
    [request] = look(first_loads=first_loads).hourly
    assert (request.first, request.last, request.reason) == (FIRST, FIRST, "late_data")
    assert look(first_loads=first_loads).hourly == ()
    ends(request)
    again = look(first_loads=first_loads)
    assert again.hourly == ()
    assert again.cursor.due == {}
    assert again.cursor.offered == (None if first_loads else [])


@pytest.mark.usefixtures("loaded")
def test_a_storm_of_commits_is_one_run_per_hour_and_interval(maker, look, run_messages, ends):
    requests = []
    for message in late(8, run_messages):  # a commit every 40 s
        maker.append([message])
        requests += look(debounce=DEBOUNCE, now=later(maker, timedelta(seconds=1))).hourly
    assert requests == []
    storm = later(maker, DEBOUNCE)
    [request] = look(debounce=DEBOUNCE, now=storm).hourly
    assert (request.first, request.last) == (FIRST, FIRST)
    ends(request)
    assert look(debounce=DEBOUNCE, now=storm + DEBOUNCE).hourly == ()


@pytest.mark.usefixtures("loaded")
def test_a_storm_that_never_rests_is_loaded_all_the_same(maker, look, run_messages):
    maker.append(late(1, run_messages))
    first_change = later(maker, timedelta(0))
    assert look(debounce=DEBOUNCE, now=first_change).hourly == ()
    maker.append(late(1, run_messages))
    [request] = look(debounce=DEBOUNCE, now=first_change + DEBOUNCE).hourly
    assert request.first == FIRST


@pytest.mark.usefixtures("loaded")
def test_changes_during_a_reload_are_one_more_reload_after_it(maker, look, run_messages, ends):
    maker.append(late(1, run_messages))
    [reload] = look().hourly
    for message in late(3, run_messages):
        maker.append([message])
        assert look().hourly == ()
    ends(reload)
    # The run read the newest fingerprint that was reported when it ended: in this test, all of the changes.
    assert look().hourly == ()
    maker.append(late(1, run_messages))
    [after] = look().hourly
    assert after.run_key != reload.run_key


@pytest.mark.usefixtures("loaded")
def test_a_reload_that_is_killed_is_asked_for_again_under_another_key(maker, look, run_messages, ends):
    maker.append(late(1, run_messages))
    keys = set()
    for _ in range(MAX_FAILURES + 1):
        [request] = look().hourly
        keys.add(request.run_key)
        ends(request, killed=True)
    assert len(keys) == MAX_FAILURES + 1


@pytest.mark.usefixtures("loaded")
def test_a_reload_that_fails_three_times_is_left_alone_until_the_data_changes(maker, look, run_messages, ends):
    maker.append(late(1, run_messages))
    for _ in range(MAX_FAILURES):
        [request] = look().hourly
        ends(request, failed=STEP_FAILED)
    for _ in range(3):
        assert look().hourly == ()
    maker.append(late(1, run_messages))
    [request] = look().hourly
    assert request.run_key.endswith("#1")


def test_an_hour_that_was_red_for_lack_of_rows_is_loaded_again_when_they_come(maker, look, run_messages, ends):
    missing = late(2, run_messages)
    maker.append([message for message in run_messages if message not in missing])
    passed = later(maker, timedelta(minutes=11))
    red = look(now=passed).hourly
    for request in red:
        ends(request, failed=STEP_FAILED)
    maker.append(missing)
    again = look(now=passed)
    [repair] = [request for request in again.hourly if request.run_key.endswith("#1")]
    assert (repair.first, repair.last, repair.reason) == (FIRST, FIRST, "hour_complete")


def test_losing_the_cursor_never_swallows_a_run_key(maker, look, run_messages, ends):
    maker.append(run_messages)
    [killed] = look().hourly
    ends(killed, killed=True)
    [same] = look(restart=True).hourly
    assert same.run_key == killed.run_key  # Dagster skips it, since there is a run of that key; the next look sees how
    again = look().hourly
    assert [request.run_key.endswith("#2") for request in again] == [True]


def test_an_hour_that_somebody_is_loading_already_is_not_asked_for(maker, look, run_messages, instance):
    maker.append(run_messages)
    by_hand = dg.DagsterRun(
        HOURLY_JOB, tags={"dagster/partition": FIRST.key}, status=dg.DagsterRunStatus.STARTED, run_id="by-hand"
    )
    instance.add_run(by_hand)
    assert FIRST not in {request.first for request in look().hourly}
    instance.report_run_canceled(instance.get_run_by_id("by-hand"))
    assert [(r.first, r.last) for r in look().hourly] == [(FIRST, FIRST)]


def test_while_the_lake_lacks_offsets_nothing_is_asked_for_and_afterwards_everything(maker, look, run_messages):
    maker.append(run_messages)
    assert look(sound=False).hourly == ()
    assert len(look().hourly) == 1


def test_where_airflow_asks_first_loads_are_offered_until_they_are_launched(maker, look, run_messages, instance, ends):
    maker.append([message for message in run_messages if hour_of(message) == FIRST])
    watched = look(first_loads=False)
    assert watched.hourly == ()
    [offered] = watched.cursor.offered
    assert (offered.job, offered.first, offered.last) == (HOURLY_JOB, FIRST.key, FIRST.key)
    maker.append([message for message in run_messages if hour_of(message) != FIRST])
    [grown] = look(first_loads=False).cursor.offered
    assert (grown.first, grown.last) == (FIRST.key, max(map(hour_of, run_messages)).key)
    tags = {**grown.tags, "dagster/run_key": grown.run_key}
    instance.add_run(
        dg.DagsterRun(HOURLY_JOB, tags=tags, status=dg.DagsterRunStatus.STARTED, run_id="asked-by-airflow")
    )
    assert look(first_loads=False).cursor.offered == []
    instance.report_run_failed(instance.get_run_by_id("asked-by-airflow"), job_failure_data=STEP_FAILED)
    one_by_one = look(first_loads=False).cursor.offered
    assert [each.first == each.last for each in one_by_one] == [True] * len(one_by_one)
    assert all(each.run_key.endswith("#2") for each in one_by_one)


def test_late_deliveries_of_the_simulator_hold_their_hours_back_and_each_is_loaded_once(maker, look, ends):
    recorded = Recorder()
    run = plan_run(load_scenario("stable"), seed=8, start=START, hours=2.5, venues=1, run_id="late")
    with chaos_sink(recorded, parse_chaos("late=0.05:20m"), run.seed) as sink:
        simulate(run, sink)
        injected = sink.injected
    assert injected.late > 10
    loads: list[Hour] = []
    batches = 12
    for batch in range(batches):
        size = -(-len(recorded.messages) // batches)
        maker.append(recorded.messages[batch * size : (batch + 1) * size])
        for request in look(lag=1).hourly:
            loads += hours_between(request.first, request.last)
            assert request.reason == "hour_complete"
            ends(request)
    assert sorted(loads) == sorted({hour_of(message) for message in recorded.messages})


def test_late_deliveries_after_their_hours_were_given_up_reload_exactly_those_hours(maker, look, ends):
    punctual, recorded = Recorder(), Recorder()
    run = plan_run(load_scenario("stable"), seed=8, start=START, hours=2.5, venues=1, run_id="late")
    simulate(run, punctual)
    with chaos_sink(recorded, parse_chaos("late=0.01:3h"), run.seed) as sink:
        simulate(run, sink)
    # What was late for its hour is what comes after everything else.
    held = [message for message in recorded.messages if message[0] != "ticketsim.hour_closed"][-5:]
    maker.append([message for message in punctual.messages if message not in held])
    passed = later(maker, timedelta(minutes=11))
    for request in look(now=passed).hourly:
        ends(request)
    maker.append(held)
    reloads = look(now=passed).hourly
    assert {request.reason for request in reloads} == {"late_data"}
    reloaded = {hour for request in reloads for hour in hours_between(request.first, request.last)}
    assert reloaded == {hour_of(message) for message in held}


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("restart", [False, True])
def test_a_forgotten_run_makes_exactly_its_hours_due_once_each_way(maker, look, run_messages, ends, restart):
    maker.append(simulated(hours=0.2, venues=1, run_id="mistake"))
    [request] = look().hourly
    ends(request)
    keys = {request.run_key}
    for decide in (forget_run, recall_run, forget_run):
        decided = decide(maker.lake, "mistake", START)
        [request] = look(restart=restart).hourly
        assert (request.first, request.last) == (decided.hours[0], decided.hours[-1])
        assert {hour_of(m) for m in run_messages} > set(decided.hours)
        while request.run_key in keys:  # a key that ran before is not run again: the next look asks under another one
            [request] = look().hourly
        keys.add(request.run_key)
        ends(request)
        again = look()
        assert (again.hourly, again.cursor.due, again.cursor.pending) == ((), {}, {})
        again = look(restart=True)
        assert (again.hourly, again.cursor.due) == ((), {})


def test_hours_that_a_run_holds_back_are_complete_as_soon_as_it_is_forgotten(maker, look, run_messages):
    hours = {hour_of(m) for m in run_messages}
    maker.append(run_messages)
    maker.append([m for m in simulated(hours=3, run_id="a") if m[0] != "ticketsim.hour_closed"])
    maker.append([m for m in simulated(hours=3, run_id="z") if m[0] != "ticketsim.hour_closed"])
    assert look(lag=1).hourly == ()
    forget_run(maker.lake, "a", START)
    held = look(lag=1)
    assert held.hourly == ()
    assert not any("run a " in note for note in held.notes)
    assert all("run z has events but no receipt" in note for note in held.notes)
    forget_run(maker.lake, "z", START)
    complete = look(lag=1)
    assert complete.notes == ()
    assert {hour for r in complete.hourly for hour in hours_between(r.first, r.last)} > hours


def test_a_receipt_that_a_run_lacks_holds_its_hour_back_beside_a_forgotten_one(maker, look, run_messages):
    lacking = next(m for m in run_messages if m[0] == "ticketsim.hour_closed" and hour_of(m) == FIRST)
    scan = next(m for m in run_messages if m[0] == "ticketsim.scan_tickets" and hour_of(m) == FIRST)
    maker.append(m for m in run_messages if m not in {lacking, scan})
    maker.append(simulated(run_id="mistake"))
    forget_run(maker.lake, "mistake", START)
    assert FIRST not in {request.first for request in look(lag=1).hourly}
    maker.append([lacking])
    waits = look(lag=1)
    assert [note for note in waits.notes if "scan_tickets" in note], (
        waits.notes
    )  # rows of the other do not stand for it
    maker.append([scan])
    assert FIRST in {request.first for request in look(lag=1).hourly}


def test_an_hour_that_was_loaded_late_is_not_waited_for_again_when_a_run_is_forgotten(maker, look, run_messages, ends):
    maker.append([m for m in run_messages if m[0] != "ticketsim.hour_closed"])
    maker.append(simulated(run_id="mistake"))
    [request] = look(now=later(maker, timedelta(minutes=11))).hourly
    ends(request)
    forget_run(maker.lake, "mistake", datetime.now(UTC))
    assert look(now=later(maker, timedelta(minutes=1)), lag=None).hourly
