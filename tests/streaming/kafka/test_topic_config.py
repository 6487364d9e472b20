import pytest

from simulator.events import TOPICS, EventType
from streaming.exceptions import BrokerUnreachable
from streaming.kafka import topic_config
from streaming.kafka.topic_config import unsuitable_settings

from ...transactions import alter_topic

BUSES, SALES = EventType.BUS_ARRIVAL.topic, EventType.BUY_TICKETS.topic


@pytest.mark.slow
def test_topics_that_others_created_are_named_with_setting_value_consequence_and_cure(topics):
    assert unsuitable_settings(topics) == []
    for topic in (BUSES, SALES):
        alter_topic(topics, topic, message_timestamp_type="CreateTime")
    alter_topic(topics, SALES, retention_ms="21600000", cleanup_policy="compact,delete", max_message_bytes="1000000")
    for topic in set(TOPICS) - {BUSES, SALES}:
        alter_topic(topics, topic, retention_ms="-1", max_message_bytes="100000000")  # more is no harm
    said = unsuitable_settings(topics)
    assert [sentence.partition(":")[0] for sentence in said] == [
        f"cleanup.policy of {SALES} is compact,delete, not delete",
        f"max.message.bytes of {SALES} is 1000000, not 8388608",
        f"message.timestamp.type of {BUSES}, {SALES} is CreateTime, not LogAppendTime",
        f"retention.ms of {SALES} is 21600000, not 604800000",
    ]
    assert said[2].endswith(
        f"kafka-configs.sh --bootstrap-server {topics} --alter --entity-type topics --entity-name TOPIC "
        "--add-config message.timestamp.type=LogAppendTime"
    )


def test_a_broker_that_does_not_describe_its_topics_is_named(free_port, monkeypatch):
    monkeypatch.setattr(topic_config, "_ANSWER_S", 0.5)
    broker = f"127.0.0.1:{free_port()}"
    with pytest.raises(BrokerUnreachable, match=f"{broker} does not describe its topics"):
        unsuitable_settings(broker)
