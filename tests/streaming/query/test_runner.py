import logging
import threading
from datetime import timedelta

import pytest

from streaming.exceptions import BrokerUnreachable, TopicRecreated
from streaming.kafka import topic_ids as topics
from streaming.kafka.topic_ids import require_same_topics
from streaming.query import runner
from streaming.query.runner import StreamConfig, run_stream


@pytest.fixture
def config(tmp_path, free_port, monkeypatch) -> StreamConfig:
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


def test_a_stream_that_is_stopped_while_it_waits_for_the_broker_ends_without_an_error(config):
    stop = threading.Event()
    stop.set()
    assert run_stream(config, stop=stop).rows == 0


def test_topic_ids_are_remembered_and_a_new_topic_of_an_old_name_is_refused(tmp_path):
    lake = str(tmp_path / "lake")
    require_same_topics(lake, {"a": "1"})
    require_same_topics(lake, {"a": "1", "b": "2"})
    require_same_topics(lake, {"b": "2"})
    with pytest.raises(TopicRecreated, match="topic b was deleted and created again"):
        require_same_topics(lake, {"a": "1", "b": "3"})
    require_same_topics(lake, {"a": "1", "b": "2"})
