"""The topics' configuration, compared with the one that the contract is made for: others may have created them."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from simulator.events import TOPICS
from simulator.kafka_settings import client_config
from simulator.topics import TOPIC_CONFIG
from streaming.exceptions import BrokerUnreachable

#: Timeout of one request to the broker; seconds.
_ANSWER_S: Final = 8.0


@dataclass(frozen=True, slots=True)
class _Rule:
    suits: Callable[[str, str], bool]  #: whether a topic's value will do, given ours
    consequence: str


def _at_least(value: str, ours: str) -> bool:
    return int(value) == -1 or int(value) >= int(ours)


_RULES: Final[dict[str, _Rule]] = {
    "message.timestamp.type": _Rule(
        str.__eq__,
        "each producer's clock, not the broker's, says when a message came: where it is slow, events are quarantined "
        "as future ones, and Kafka may remove them at once; `ticketsim quarantine reprocess` brings the events back",
    ),
    "cleanup.policy": _Rule(
        str.__eq__, "Kafka removes all but the newest message of a key, perhaps before the stream has read them"
    ),
    "retention.ms": _Rule(
        _at_least, "a stream that was stopped for longer than that has lost the messages that it has not read"
    ),
    "max.message.bytes": _Rule(_at_least, "larger messages of the contract are refused by the broker"),
}


def unsuitable_settings(bootstrap: str) -> list[str]:
    """Return a sentence per setting and value of the topics that does not suit: which topics, what of it, and the cure.

    Args:
        bootstrap: Kafka's bootstrap servers.

    Raises:
        BrokerUnreachable: The broker does not answer, or does not allow its topics to be described.
    """
    admin = AdminClient(client_config(bootstrap))
    resources = [ConfigResource(ResourceType.TOPIC, topic) for topic in TOPICS]
    topics: dict[tuple[str, str], list[str]] = defaultdict(list)
    for resource, described in admin.describe_configs(resources, request_timeout=_ANSWER_S).items():
        try:
            entries = described.result()
        except KafkaException as error:
            raise BrokerUnreachable(
                f"the broker {bootstrap} does not describe its topics ({error.args[0].str()}), so nobody knows whether "
                "they suit. Compare them with docs/contract.md, 'Topics made by others'."
            ) from None
        for setting, rule in _RULES.items():
            value = entries[setting].value
            if not rule.suits(value, TOPIC_CONFIG[setting]):
                topics[setting, value].append(resource.name)
    return [
        f"{setting} of {', '.join(sorted(named))} is {value}, not {TOPIC_CONFIG[setting]}: "
        f"{_RULES[setting].consequence}. Change it: kafka-configs.sh --bootstrap-server {bootstrap} --alter "
        f"--entity-type topics --entity-name TOPIC --add-config {setting}={TOPIC_CONFIG[setting]}"
        for (setting, value), named in sorted(topics.items())
    ]
