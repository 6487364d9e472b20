"""The ids of our topics, recorded with the lake so that a recreated topic is recognised.

A recreated topic starts at offset 0: resuming at the old offsets would skip its first messages, or read it from the
middle. Kafka gives every topic an id that never changes, so the ids seen first are kept in
``<lake>/.stream.topics.json`` and compared from then on.
"""

import json
from collections.abc import Mapping
from typing import Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from simulator.events import TOPICS
from simulator.kafka_settings import client_config
from streaming.exceptions import BrokerUnreachable, TopicMissing, TopicRecreated
from streaming.storage import path_of, write_atomically

IDS_FILE: Final = ".stream.topics.json"

#: Timeout of one request to the broker; seconds.
_ANSWER_S: Final = 8.0


def topic_ids(bootstrap: str) -> dict[str, str]:
    """Return the id of each of the contract's topics.

    Args:
        bootstrap: Kafka's bootstrap servers.

    Raises:
        BrokerUnreachable: The broker does not answer.
        TopicMissing: The broker lacks one of the topics.
    """
    admin = AdminClient(client_config(bootstrap))
    futures = admin.describe_topics(TopicCollection(list(TOPICS)), request_timeout=_ANSWER_S)
    ids = {}
    for topic, future in futures.items():
        try:
            ids[topic] = str(future.result().topic_id)
        except KafkaException as error:
            problem: KafkaError = error.args[0]
            if problem.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise TopicMissing(
                    f"the broker {bootstrap} has no topic {topic}. `ticketsim broker start` creates the topics of a "
                    "local broker."
                ) from None
            raise BrokerUnreachable(
                f"the broker {bootstrap} cannot be reached ({problem.str()}). Start it with `ticketsim broker start`, "
                "or name another one with --bootstrap."
            ) from None
    return ids


def known_topics(lake_root: str) -> dict[str, str]:
    """Return the ids of the topics that this lake was filled from; empty before its first stream."""
    path = path_of(lake_root) / IDS_FILE
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def require_same_topics(lake_root: str, ids: Mapping[str, str]) -> None:
    """Compare ``ids``, topic by topic, with those that this lake was filled from.

    Raises:
        TopicRecreated: A topic is not the one that the lake was filled from.
    """
    known = known_topics(lake_root)
    for topic, topic_id in ids.items():
        if known.get(topic, topic_id) != topic_id:
            raise TopicRecreated(
                f"topic {topic} was deleted and created again: the lake {lake_root} was filled from the one with id "
                f"{known[topic]}, the broker's has id {topic_id}. Messages of the old one that the lake does not hold "
                "are lost, unless you restore the broker's old data. `ticketsim stream --accept-loss --dry-run` shows "
                "what is lost; without --dry-run the loss is recorded and the stream resumes (docs/runbook.md, "
                "'A topic was deleted and created again')."
            )


def remember_topics(lake_root: str, ids: Mapping[str, str]) -> None:
    """Record that this lake is filled from the topics with these ids, unless it says so; its lease must be held."""
    if ids != known_topics(lake_root):
        write_atomically(path_of(lake_root) / IDS_FILE, json.dumps(dict(ids), indent=1))
