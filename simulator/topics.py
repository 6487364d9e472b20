"""The eight topics: their configuration, creation and lookup."""

from time import monotonic, sleep
from typing import Final

from confluent_kafka import KafkaError as ClientError
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from simulator.events import TOPICS
from simulator.exceptions import KafkaError, KafkaUnreachable
from simulator.kafka_settings import client_config

#: The largest message, for topics and producer alike: 8 MiB.
MAX_MESSAGE_BYTES: Final = 8 * 1024 * 1024

_RETRY_S: Final = 0.1

_RETENTION_MS: Final = 7 * 24 * 3600 * 1000

#: LogAppendTime: lateness is judged by the broker's clock, not by the sender's.
TOPIC_CONFIG: Final = {
    "message.timestamp.type": "LogAppendTime",
    "cleanup.policy": "delete",
    "retention.ms": str(_RETENTION_MS),
    "max.message.bytes": str(MAX_MESSAGE_BYTES),
}


def create_topics(bootstrap: str, partitions: int, replication: int = 1, *, timeout_s: float = 30.0) -> list[str]:
    """Create the topics that do not exist; existing ones are left unchanged.

    Args:
        bootstrap: ``host:port[,host:port]``.
        partitions: Number of partitions of each new topic.
        replication: Replication factor, at most the number of brokers.
        timeout_s: Timeout for the broker, seconds.

    Returns:
        The created topics, in the order of the contract.

    Raises:
        KafkaSettingsRefused: The environment variables ``TICKETSIM_KAFKA_*`` are invalid.
        KafkaUnreachable: No broker answered in time.
        KafkaError: The broker refused to create a topic.
    """
    admin = AdminClient(client_config(bootstrap))
    new = [
        NewTopic(topic, num_partitions=partitions, replication_factor=replication, config=TOPIC_CONFIG)
        for topic in TOPICS
    ]
    created = []
    for topic, future in admin.create_topics(new, operation_timeout=timeout_s, request_timeout=timeout_s).items():
        try:
            future.result()
        except KafkaException as error:
            reason = error.args[0]
            if reason.code() == ClientError.TOPIC_ALREADY_EXISTS:
                continue
            if reason.code() in (ClientError._TIMED_OUT, ClientError._TRANSPORT):
                raise _unreachable(bootstrap, timeout_s) from error
            raise KafkaError(
                f"Kafka at {bootstrap} refused to create topic {topic} with {partitions} partitions: {reason.str()}."
            ) from error
        created.append(topic)
    _wait_until_known(admin, bootstrap, timeout_s)
    return created


def _wait_until_known(admin: AdminClient, bootstrap: str, timeout_s: float) -> None:
    """Wait until the broker lists the topics: it learns of them shortly after they are created."""
    deadline = monotonic() + timeout_s
    while missing := _missing_or_unreachable(admin, bootstrap, timeout_s):
        if monotonic() >= deadline:
            raise KafkaError(
                f"Kafka at {bootstrap} does not know {', '.join(missing)} {timeout_s:g} s after their creation; "
                "check its log."
            )
        sleep(_RETRY_S)


def missing_topics(admin: AdminClient, timeout_s: float) -> list[str]:
    """Return the topics that the broker does not have.

    Args:
        admin: Client of the broker.
        timeout_s: Timeout for the broker, seconds.

    Raises:
        KafkaException: It did not answer in time.
    """
    present = admin.list_topics(timeout=timeout_s).topics
    return [topic for topic in TOPICS if topic not in present]


def _missing_or_unreachable(admin: AdminClient, bootstrap: str, timeout_s: float) -> list[str]:
    try:
        return missing_topics(admin, timeout_s)
    except KafkaException as error:
        raise _unreachable(bootstrap, timeout_s) from error


def _unreachable(bootstrap: str, timeout_s: float) -> KafkaUnreachable:
    return KafkaUnreachable(
        f"No Kafka answered at {bootstrap} within {timeout_s:g} s; start it with `ticketsim broker start`."
    )
