import json

import pytest
from dagster_graphql.schema import create_schema
from graphql import parse, validate
from ticketsim_trigger import client as questions
from ticketsim_trigger.client import ASKED_BY_TAG, LIVE, RUN_KEY_TAG, DagsterClient, Offer
from ticketsim_trigger.exceptions import (
    AskedElsewhere,
    DagsterRefused,
    DagsterUnreachable,
    SensorStopped,
    UnknownPartition,
)

from ticketsim_assets.hours.cursor import Offer as CursorOffer

from .fake_dagster import HOURS, FakeDagster, offer


@pytest.fixture
def dagster():
    return FakeDagster()


@pytest.fixture
def client(dagster):
    with dagster.serving() as url:
        yield DagsterClient(url)


@pytest.mark.parametrize("name", ["_REPOSITORIES", "_SENSOR_STATE", "_PARTITIONS", "_RUNS", "_LAUNCH"])
def test_every_question_is_valid_in_the_schema_of_the_dagster_that_is_pinned(name):
    assert validate(create_schema().graphql_schema, parse(getattr(questions, name))) == []


def test_an_offer_is_the_same_on_both_sides():
    assert Offer.__dataclass_fields__.keys() == set(CursorOffer.__struct_fields__)


def test_a_look_tells_what_is_offered_and_when_the_lake_was_looked_at(client, dagster):
    dagster.offered = [offer()]
    look = client.last_tick()
    assert [(each.first, each.last, each.run_key) for each in look.offers] == [
        (HOURS[3], HOURS[4], f"{HOURS[3]}...{HOURS[4]}@7#1")
    ]
    assert (look.begun_at, look.finished_at, look.problem) == (100, 100, None)


def test_without_a_lake_nothing_is_offered(client, dagster):
    dagster.cursor = False
    assert client.last_tick().offers == ()


def test_a_look_that_failed_says_why(client, dagster):
    dagster.begun_at, dagster.tick_error = 115, "the lake is on fire"
    assert client.last_tick().problem == "the lake is on fire"


def test_a_sensor_that_was_turned_off_is_an_error_with_the_cure(client, dagster):
    dagster.sensor = "STOPPED"
    with pytest.raises(SensorStopped, match=r"STOPPED.*Turn it on"):
        client.last_tick()


def test_a_dagster_that_asks_for_itself_is_an_error_with_the_cure(client, dagster):
    dagster.offered = None
    with pytest.raises(AskedElsewhere, match="TICKETSIM_TRIGGER=airflow"):
        client.last_tick()


def test_a_launched_run_bears_the_offer_s_tags_its_run_key_and_who_asked(client, dagster):
    run_id = client.launch(Offer(**offer()), "airflow/dag")
    [run] = client.runs({ASKED_BY_TAG: "airflow/dag"}, LIVE)
    assert (run.run_id, run.hours) == (run_id, f"{HOURS[3]} to {HOURS[4]}")
    [found] = client.runs({RUN_KEY_TAG: offer()["run_key"]})
    assert found == run
    assert client.runs({RUN_KEY_TAG: "another"}) == []


def test_ended_runs_are_not_live_and_are_found_by_id(client, dagster):
    run_id = client.launch(Offer(**offer()), "airflow/dag")
    dagster.runs[0]["status"] = "FAILURE"
    assert client.runs({ASKED_BY_TAG: "airflow/dag"}, LIVE) == []
    assert [run.status for run in client.runs_by_id([run_id, "deleted"])] == ["FAILURE"]


@pytest.mark.parametrize("strange", ["2031-03-01-00:00", "garbage"])
def test_an_hour_without_a_partition_is_refused_before_anything_is_launched(client, dagster, strange):
    with pytest.raises(UnknownPartition, match=strange):
        client.launch(Offer(**offer(last=strange)), "airflow/dag")
    assert dagster.runs == []


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ((500, json.dumps({"errors": [{"message": "no such time"}]})), DagsterRefused, "no such time"),
        ((400, json.dumps({"errors": [{"message": "Unknown argument"}]})), DagsterRefused, "Unknown argument"),
        (
            (200, json.dumps({"data": {"runsOrError": {"__typename": "PythonError", "message": "boom"}}})),
            DagsterRefused,
            "boom",
        ),
        ((502, "<html>bad gateway</html>"), DagsterUnreachable, "bad gateway"),
        ((200, "[1, 2]"), DagsterUnreachable, "not Dagster"),
        ((200, '{"data": null}'), DagsterUnreachable, "not Dagster"),
    ],
)
def test_errors_are_told_apart_whatever_the_http_status(client, dagster, answer, error, said):
    dagster.answer = (answer[0], answer[1].encode())
    with pytest.raises(error, match=said):
        client.runs({})


def test_no_server_at_the_address_is_an_error_that_may_be_retried(free_port):
    with pytest.raises(DagsterUnreachable, match="does not answer"):
        DagsterClient(f"http://127.0.0.1:{free_port()}").runs({})
