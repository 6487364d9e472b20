"""The task and its triggers, by Airflow's own classes, against a server that answers as Dagster does."""

import asyncio
import importlib
import time
from datetime import timedelta

import pytest
from airflow.sdk.exceptions import TaskDeferred
from fake_dagster import HOURS, FakeDagster, offer
from ticketsim_trigger.exceptions import HoursFailed, TriggerError
from ticketsim_trigger.operators import MaterializeDueHours
from ticketsim_trigger.triggers import FreshTick, RunsEnded


@pytest.fixture
def dagster():
    return FakeDagster()


@pytest.fixture
def url(dagster):
    with dagster.serving() as address:
        yield address


@pytest.fixture
def task(url):
    return MaterializeDueHours(task_id="ask", url=url, poll_s=0.02)


def deferred(method, *arguments, **keywords) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as raised:
        method({}, *arguments, **keywords)
    return raised.value


def fired(trigger) -> dict:
    """Return the trigger's payload, after serialisation to the triggerer and back."""
    path, arguments = trigger.serialize()
    module, name = path.rsplit(".", 1)

    recreated = getattr(importlib.import_module(module), name)(**arguments)

    async def first():
        return (await anext(recreated.run())).payload

    return asyncio.run(asyncio.wait_for(first(), 20))


def ask(task):
    """Run the task from its start to its launch."""
    waiting = deferred(task.execute)
    assert waiting.method_name == "launch"
    return fired(waiting.trigger)


def test_what_is_offered_is_launched_waited_for_and_reported(task, dagster):
    dagster.offered = [offer(HOURS[1], HOURS[1]), offer(HOURS[3], HOURS[4])]
    waiting = deferred(task.launch, ask(task))
    assert len(dagster.runs) == 2
    for run in dagster.runs:
        run["status"] = "SUCCESS"
    assert waiting.method_name == "finish"
    assert task.finish({}, fired(waiting.trigger)) == ["run-1", "run-2"]


def test_nothing_is_launched_before_a_new_tick_of_the_sensor(task, dagster):
    ask(task)
    assert dagster.looks == 2


def test_no_due_hour_is_a_success_without_a_run(task, dagster):
    assert task.launch({}, ask(task)) == []
    assert dagster.runs == []


def test_a_retry_attaches_to_the_run_that_is_under_way(task, dagster):
    dagster.offered = [offer()]
    first = deferred(task.launch, ask(task))
    dagster.runs[0]["status"] = "STARTED"
    dagster.offered = []
    again = deferred(task.launch, ask(task))
    assert len(dagster.runs) == 1
    assert again.trigger.run_ids == first.trigger.run_ids == ["run-1"]


def test_the_same_offer_twice_is_one_run(task, dagster):
    dagster.offered = [offer()]
    event = ask(task)
    assert deferred(task.launch, event).trigger.run_ids == deferred(task.launch, event).trigger.run_ids
    assert len(dagster.runs) == 1


def test_a_retry_never_attaches_to_a_run_that_failed_or_died(task, dagster):
    dagster.offered = [offer()]
    deferred(task.launch, ask(task))
    dagster.runs[0]["status"] = "FAILURE"
    dagster.offered = [offer(attempt=2)]
    assert deferred(task.launch, ask(task)).trigger.run_ids == ["run-2"]


def test_a_run_that_fails_fails_the_task_with_a_link_to_it_and_its_hours(task, dagster, url):
    dagster.offered = [offer(HOURS[1], HOURS[1]), offer(HOURS[3], HOURS[4])]
    waiting = deferred(task.launch, ask(task))
    dagster.runs[0]["status"], dagster.runs[1]["status"] = "FAILURE", "SUCCESS"
    with pytest.raises(HoursFailed, match=f"1 of 2 .*{HOURS[3]} to {HOURS[4]}: FAILURE, {url}/runs/run-2"):
        task.finish({}, fired(waiting.trigger))


def test_a_run_that_was_deleted_fails_the_task(task, dagster, url):
    dagster.offered = [offer()]
    waiting = deferred(task.launch, ask(task))
    dagster.runs.clear()
    with pytest.raises(HoursFailed, match=f"deleted, {url}/runs/run-1"):
        task.finish({}, fired(waiting.trigger))


def test_a_dagster_that_is_away_is_waited_for(dagster):
    dagster.offered = [offer()]
    dagster.answer = (502, b"<html>starting</html>")

    async def comes_back(url):
        trigger = FreshTick(url, time.time() + 20, 0.02)
        events = trigger.run()
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        dagster.answer = None
        return (await waiting).payload

    with dagster.serving() as url:
        assert asyncio.run(comes_back(url)) == {"offers": [offer()]}


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"answer": (502, b"<html>away</html>")}, "not Dagster"),
        ({"finished_at": 0.0, "begun_at": 115.0, "tick_error": "lake on fire"}, "lake on fire"),
        ({"sensor": "STOPPED"}, "Turn it on"),
        ({"offered": None}, "TICKETSIM_TRIGGER=airflow"),
    ],
)
def test_a_dagster_that_does_not_look_fails_the_task_and_says_why(url, dagster, state, said):
    for name, value in state.items():
        setattr(dagster, name, value)
    task = MaterializeDueHours(task_id="ask", url=url, poll_s=0.02, tick_timeout=timedelta(seconds=0.3))
    with pytest.raises(TriggerError, match=said):
        task.launch({}, ask(task))


def test_runs_that_do_not_end_in_time_fail_the_task_with_links(task, dagster, url):
    dagster.offered = [offer()]
    deferred(task.launch, ask(task))
    event = fired(RunsEnded(url, ["run-1"], time.time() + 0.3, 0.02))
    with pytest.raises(HoursFailed, match=f"QUEUED.*{url}/runs/run-1"):
        task.finish({}, event)


def test_a_dagster_that_goes_away_while_runs_are_under_way_is_waited_for(task, dagster, url):
    dagster.offered = [offer()]
    waiting = deferred(task.launch, ask(task))

    async def comes_back():
        waited = asyncio.ensure_future(anext(waiting.trigger.run()))
        dagster.answer = (500, b'{"errors": [{"message": "database is locked"}]}')
        await asyncio.sleep(0.2)
        assert not waited.done()
        dagster.answer, dagster.runs[0]["status"] = None, "SUCCESS"
        return (await waited).payload

    assert task.finish({}, asyncio.run(comes_back())) == ["run-1"]
