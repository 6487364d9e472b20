import dataclasses
import json
import logging
import socket
import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest

from streaming.exceptions import BrokerUnreachable, TopicRecreated
from streaming.kafka import topic_ids as topics
from streaming.kafka.topic_ids import known_topics, remember_topics, require_same_topics
from streaming.locks.stream_lease import LEASE_FILE
from streaming.query import runner
from streaming.query.runner import StreamConfig, run_stream


@pytest.fixture
def spark_starts(monkeypatch) -> list[None]:
    """How often Spark is started, of which these tests need no more."""
    starts: list[None] = []

    @contextmanager
    def session(*_):
        starts.append(None)
        yield None

    monkeypatch.setattr(runner, "submitted_or_own_session", session)
    return starts


@pytest.fixture
def config(tmp_path, free_port, monkeypatch, spark_starts) -> StreamConfig:
    """A stream whose broker does not exist; it is tried twice."""
    monkeypatch.setattr(topics, "_ANSWER_S", 0.5)
    monkeypatch.setattr(runner, "MAX_ATTEMPTS", 2)
    broker = f"127.0.0.1:{free_port()}"
    return StreamConfig(broker, str(tmp_path / "lake"), tmp_path / "checkpoint", timedelta(seconds=1))


def test_a_broker_that_is_away_is_asked_again_and_then_named_with_the_cure(config, caplog):
    with caplog.at_level(logging.WARNING), pytest.raises(BrokerUnreachable, match="ticketsim broker start") as failure:
        run_stream(config)
    assert config.bootstrap in str(failure.value)
    assert [record.getMessage().rpartition(". ")[2] for record in caplog.records] == ["Attempt 2 of 2 follows in 1 s."]


def test_spark_is_started_while_a_broker_is_away_and_ended_if_it_stays_away(config, spark_starts):
    with pytest.raises(BrokerUnreachable):
        run_stream(config)
    assert spark_starts == [None]


def test_a_broker_that_accepts_connections_and_does_not_answer_is_named_before_spark_is_started(config, spark_starts):
    host, _, port = config.bootstrap.partition(":")
    with socket.create_server((host, int(port))), pytest.raises(BrokerUnreachable):
        run_stream(config)
    assert spark_starts == []


def test_a_stream_that_is_stopped_while_it_waits_for_the_broker_ends_without_an_error(config, monkeypatch):
    stop = threading.Event()
    monkeypatch.setattr(runner.log, "warning", lambda *_: stop.set())  # it says that it will try again
    assert run_stream(config, stop=stop).rows == 0
    assert stop.is_set()


@pytest.mark.slow
def test_a_stream_that_is_stopped_while_it_watches_a_lease_asks_no_broker_and_starts_no_spark(
    config, gcs, caplog, spark_starts
):
    gcs.emulator.client().bucket(gcs.name).blob(f"lake/{LEASE_FILE}").upload_from_string(
        json.dumps({"pid": 7, "holder": "ticketsim stream", "since": "noon", "host": "elsewhere", "token": "another"})
    )
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    with caplog.at_level(logging.WARNING):
        assert run_stream(dataclasses.replace(config, lake=gcs.uri("lake")), stop=stop).rows == 0
    assert not caplog.records
    assert spark_starts == []


def test_topic_ids_are_remembered_and_a_new_topic_of_an_old_name_is_refused(tmp_path):
    lake = str(tmp_path / "lake")
    require_same_topics(lake, {"a": "1"})
    assert known_topics(lake) == {}, "who only compares holds no lease yet and writes nothing"
    remember_topics(lake, {"a": "1", "b": "2"})
    require_same_topics(lake, {"b": "2", "c": "1"})
    with pytest.raises(TopicRecreated, match="topic b was deleted and created again"):
        require_same_topics(lake, {"a": "1", "b": "3"})
    assert known_topics(lake) == {"a": "1", "b": "2"}
