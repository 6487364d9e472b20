import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from simulator.events import TOPICS
from simulator.exceptions import DeliveryFailed, KafkaUnreachable, TopicsMissing
from simulator.run import simulate
from simulator.sinks import open_sink
from simulator.sinks.batch import BatchSink
from simulator.topics import TOPIC_CONFIG, create_topics
from streaming.kafka.offsets import topic_offsets

COMMAND = Path(sys.executable).with_name("ticketsim")


@pytest.fixture
def read_all():
    """Every message of the eight topics: (topic, partition, key, value), in order within a partition."""

    def read(bootstrap):
        consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "test", "enable.auto.commit": False})
        try:
            ends = {}
            for topic in TOPICS:
                for partition in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
                    _, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
                    ends[topic, partition] = high
            consumer.assign([TopicPartition(topic, partition, 0) for topic, partition in ends])
            messages, deadline = [], time.monotonic() + 60
            while len(messages) < sum(ends.values()):
                assert time.monotonic() < deadline, "the broker does not give what it has"
                messages += [
                    (m.topic(), m.partition(), m.key(), m.value()) for m in consumer.consume(10_000, 1) if not m.error()
                ]
            return messages
        finally:
            consumer.close()

    return read


ENGINES = pytest.mark.parametrize("engine", ["simpy", "fast"])


@pytest.mark.slow
@ENGINES
def test_kafka_has_exactly_the_messages_of_the_run_in_order(topics, plan, ran, read_all, engine):
    with open_sink(f"kafka://{topics}", batches=engine == "fast") as sink:
        summary = simulate(plan(venues=2, hours=2), sink, engine=engine)
    received = read_all(topics)

    sent = ran(venues=2, hours=2).sent
    assert Counter((topic, key, value) for topic, _, key, value in received) == Counter(sent)
    assert summary.total == len(received)
    order = defaultdict(list)
    for topic, _, key, value in received:
        order[topic, key].append(value)
    assert all(values == [v for t, k, v in sent if (t, k) == where] for where, values in order.items())
    partitions = defaultdict(set)
    for _, partition, key, _ in received:
        partitions[key].add(partition)
    assert [len(p) for p in partitions.values()] == [1, 1], "a venue stays in one partition number of every topic"


def killing_after(messages, sink, broker, monkeypatch):
    """Kill ``broker`` once ``sink`` has taken so many messages, whichever engine sends them; restart it 2 s later."""
    restart, killed_at = threading.Timer(2, broker.restart), []
    taken = 0

    def count(size):
        nonlocal taken
        taken += size
        if taken >= messages and not killed_at:
            killed_at.append(taken)
            broker.kill()
            restart.start()

    def counted(send, size):
        return lambda *message: (send(*message), count(size(*message)))

    monkeypatch.setattr(sink, "send", counted(sink.send, lambda *_: 1))
    if isinstance(sink, BatchSink):
        monkeypatch.setattr(sink, "send_batch", counted(sink.send_batch, lambda batch: len(batch.ends)))
    return restart, killed_at


@pytest.mark.slow
@ENGINES
def test_a_broker_that_is_killed_and_comes_back_loses_and_doubles_nothing(  # noqa: PLR0917 - fixtures
    broker, topics, plan, ran, read_all, engine, monkeypatch
):
    with open_sink(f"kafka://{topics}", batches=engine == "fast") as sink:
        restart, killed_at = killing_after(10_000, sink, broker, monkeypatch)
        summary = simulate(plan(venues=2, hours=24), sink, engine=engine)
    restart.join()

    sent = ran(venues=2, hours=24).sent
    assert killed_at[0] < summary.total / 2, "most is sent after the kill"
    received = defaultdict(list)
    for topic, _, key, value in read_all(topics):
        received[topic, key].append(value)
    expected = defaultdict(list)
    for topic, key, value in sent:
        expected[topic, key].append(value)
    assert received == expected


@pytest.mark.slow
@ENGINES
def test_a_broker_that_stays_away_is_an_error_with_the_number_undelivered(broker, topics, plan, engine):
    def to_a_broker_that_dies():
        with open_sink(f"kafka://{topics}", deadline_s=3, batches=engine == "fast") as sink:
            broker.kill()
            simulate(plan(hours=1), sink, engine=engine)

    with pytest.raises(KafkaUnreachable, match=r"\d+ messages were not delivered") as error:
        to_a_broker_that_dies()

    assert 6000 < error.value.undelivered < 10_000


@pytest.mark.slow
@ENGINES
def test_messages_that_the_broker_refuses_are_an_error_with_its_reason(broker, topics, plan, engine):
    limit = ConfigEntry("max.message.bytes", "200", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, "ticketsim.buy_tickets", incremental_configs=[limit])
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.incremental_alter_configs([resource])[resource].result()

    def to_a_topic_of_small_messages():
        with open_sink(f"kafka://{topics}", batches=engine == "fast") as sink:
            simulate(plan(hours=1), sink, engine=engine)

    with pytest.raises(DeliveryFailed, match=r"refused messages: .*[Mm]essage.*\d+ messages were not delivered"):
        to_a_topic_of_small_messages()


@pytest.mark.slow
def test_the_command_waits_for_its_deadline_then_ends_with_the_number_undelivered(broker, topics):
    process = subprocess.Popen(
        [COMMAND, "simulate", "--hours", "240", "--to", f"kafka://{topics}"],
        env=os.environ | {"TICKETSIM_KAFKA_DEADLINE_S": "4"},
        stderr=subprocess.PIPE,
        text=True,
    )
    while not sum(log.end for log in (topic_offsets(topics) or {}).values()):
        assert process.poll() is None
        time.sleep(0.1)
    broker.kill()
    _, said = process.communicate(timeout=60)

    assert process.returncode == 1
    assert re.search(r"has accepted nothing for 4 s.*; [1-9]\d* messages were not delivered", said)
    assert "Traceback" not in said


@pytest.mark.slow
def test_topics_are_created_once_and_as_designed(broker, topics):
    assert create_topics(broker.bootstrap, 3) == []
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    for topic in TOPICS:
        resource = ConfigResource(ResourceType.TOPIC, topic)
        described = admin.describe_configs([resource])[resource].result()
        assert {name: described[name].value for name in TOPIC_CONFIG} == TOPIC_CONFIG
        assert len(admin.list_topics(topic, timeout=10).topics[topic].partitions) == 3


@pytest.mark.slow
def test_missing_topics_are_an_error_that_names_them_and_the_cure_and_are_not_created(broker, topics):
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.delete_topics(["ticketsim.scan_tickets"])["ticketsim.scan_tickets"].result()
    while "ticketsim.scan_tickets" in admin.list_topics(timeout=10).topics:
        time.sleep(0.1)
    try:
        with (
            pytest.raises(TopicsMissing, match=r"no topic ticketsim.scan_tickets;.*ticketsim broker start"),
            open_sink(f"kafka://{broker.bootstrap}", deadline_s=2),
        ):
            pass
        assert "ticketsim.scan_tickets" not in admin.list_topics(timeout=10).topics
    finally:
        assert create_topics(broker.bootstrap, 3) == ["ticketsim.scan_tickets"]


@pytest.mark.slow
def test_a_broker_that_is_not_there_is_waited_for_with_a_message_then_an_error(free_port):
    reported = []
    began = time.monotonic()
    with (
        pytest.raises(KafkaUnreachable, match=r"No Kafka answers at 127.0.0.1:\d+.*0 messages were sent"),
        open_sink(f"kafka://127.0.0.1:{free_port()}", deadline_s=2, on_wait=reported.append),
    ):
        pass

    assert 2 <= time.monotonic() - began < 5
    assert len(reported) == 1


@pytest.mark.slow
def test_ctrl_c_while_waiting_for_a_broker_ends_at_once(free_port):
    process = subprocess.Popen(
        [COMMAND, "simulate", "--hours", "1", "--to", f"kafka://127.0.0.1:{free_port()}"], stderr=subprocess.PIPE
    )
    assert b"waiting up to 60 s" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=5)

    assert process.returncode == 130
    assert b"Traceback" not in said
