"""Messages into Kafka: idempotent, acknowledged by all replicas, none dropped for a full queue."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any, Final

from confluent_kafka import KafkaError as ClientError
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient

from simulator.exceptions import DeliveryFailed, KafkaAccessDenied, KafkaUnreachable, TopicsMissing
from simulator.kafka_settings import client_config, kafka_settings
from simulator.topics import MAX_MESSAGE_BYTES, missing_topics

#: Messages between two looks at librdkafka's reports.
_POLL_EVERY: Final = 1000

#: Longest wait for one answer, seconds: how soon a wait notices that it is over.
_PATIENCE_S: Final = 0.5

#: Seconds without any delivery before the user is told.
_TELL_AFTER_S: Final = 5.0

#: A login or certificate that is still refused after so many seconds is wrong, not early: a broker that starts may
#: listen a moment before it knows who may come in.
_DENIED_AFTER_S: Final = 2.0


def producer_config(bootstrap: str) -> dict[str, Any]:
    """Configuration of the producer, in librdkafka's terms."""
    return client_config(bootstrap) | {
        "enable.idempotence": True,
        "acks": "all",
        "compression.type": "lz4",
        "partitioner": "murmur2_random",  # the Java clients' own: a venue's messages share a partition whoever sends
        "message.max.bytes": MAX_MESSAGE_BYTES,
        "batch.size": 1_000_000,
        "linger.ms": 50,
        "delivery.report.only.error": True,
        "message.timeout.ms": 0,  # never drop what a broker that is away cannot take: our own deadline decides
        "queue.buffering.max.messages": 200_000,
        "queue.buffering.max.kbytes": 128 * 1024,
        "reconnect.backoff.max.ms": 2000,
    }


@contextmanager
def kafka_sink(
    bootstrap: str, *, deadline_s: float | None = None, on_wait: Callable[[str], None]
) -> Iterator["KafkaSink"]:
    """Send to the Kafka at ``bootstrap``, ``host:port[,host:port]``.

    Args:
        bootstrap: Where to find it.
        deadline_s: How long it is waited for, at the start and whenever nothing is delivered any more, seconds.
            Default: ``TICKETSIM_KAFKA_DEADLINE_S``.
        on_wait: Is told, in a sentence, what is being waited for.

    Raises:
        KafkaSettingsRefused: The environment variables ``TICKETSIM_KAFKA_*`` say something impossible.
        KafkaAccessDenied: The broker refused the login, or one of the certificates was not accepted.
        KafkaUnreachable: No broker answered, or took a message, before the deadline.
        TopicsMissing: The broker has not all eight topics.
        DeliveryFailed: The broker refused a message for good.
    """
    if deadline_s is None:
        deadline_s = kafka_settings().deadline_s
    _wait_for_topics(bootstrap, deadline_s, on_wait)
    sink = KafkaSink(bootstrap, deadline_s=deadline_s, on_wait=on_wait)
    try:
        yield sink
        sink.flush()
    finally:
        sink.discard()


class KafkaSink:
    """Sends each message to the topic of its type, keyed by its venue, in order."""

    def __init__(self, bootstrap: str, *, deadline_s: float, on_wait: Callable[[str], None]) -> None:
        self._bootstrap: Final = bootstrap
        self._deadline_s: Final = deadline_s
        self._on_wait: Final = on_wait
        self._failure: ClientError | None = None
        self._failed = 0
        self._sent = 0
        self._delivered = 0
        self._last_delivery = self._last_told = monotonic()
        self._troubles: Final = _Troubles()
        self._producer: Final = Producer(
            producer_config(bootstrap) | {"on_delivery": self._on_failed_delivery, "error_cb": self._troubles.hear}
        )

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        """Queue one message; while the queue is full this waits, and with it the simulation."""
        while True:
            try:
                self._producer.produce(topic, value, key)
                break
            except BufferError:
                self._producer.poll(_PATIENCE_S)
                self._check()
            except KafkaException as error:
                self._failure = error.args[0]
                self._check()
        self._sent += 1
        if self._sent % _POLL_EVERY == 0:
            self.poll()

    def poll(self) -> None:
        """Look at librdkafka's reports, and whether messages still get through."""
        self._producer.poll(0)
        self._check()

    def flush(self) -> None:
        """Return when the broker has acknowledged everything."""
        while self._producer.flush(_PATIENCE_S):
            self._check()
        self._check()

    def discard(self) -> None:
        """Give up what is not delivered yet, so that the process can end."""
        self._producer.purge()
        self._producer.flush(1)

    def _on_failed_delivery(self, error: ClientError | None, _: object) -> None:
        # Discarding reports each message as purged: that is our own doing.
        if error is not None and error.code() not in (ClientError._PURGE_QUEUE, ClientError._PURGE_INFLIGHT):
            self._failure = error
            self._failed += 1

    def _check(self) -> None:
        """Raise if a delivery failed, or if none has succeeded for longer than the deadline though some are due."""
        waiting = len(self._producer)
        if self._failure is not None:
            undelivered = waiting + self._failed
            raise DeliveryFailed(
                f"Kafka at {self._bootstrap} refused messages: {self._failure.str()}. {undelivered} messages were not "
                "delivered.",
                undelivered,
            )
        now = monotonic()
        delivered = self._sent - waiting
        if waiting == 0 or delivered > self._delivered:
            self._delivered = delivered
            self._last_delivery = self._last_told = now
        elif now - self._last_delivery > self._deadline_s:
            raise KafkaUnreachable(
                f"Kafka at {self._bootstrap} has taken nothing for {self._deadline_s:g} s{self._troubles.reason}; "
                f"{waiting} messages were not delivered. Start it with `ticketsim broker start` and send the run "
                "again.",
                waiting,
            )
        elif now - self._last_told > _TELL_AFTER_S:
            self._last_told = now
            self._on_wait(f"waiting for Kafka at {self._bootstrap}: {waiting} messages not delivered yet")


class _Troubles:
    """What librdkafka has complained of: the newest reason why a broker cannot be reached."""

    def __init__(self) -> None:
        self._newest: ClientError | None = None
        self._denied_since: float | None = None

    def hear(self, error: ClientError) -> None:
        """Take a complaint; that no broker is left is no reason."""
        if error.code() == ClientError._ALL_BROKERS_DOWN:
            return
        self._newest = error
        if error.code() in (ClientError._AUTHENTICATION, ClientError._SSL) and self._denied_since is None:
            self._denied_since = monotonic()

    @property
    def reason(self) -> str:
        """In brackets, to follow a sentence; empty if nothing is known."""
        return f" ({self._newest.str()})" if self._newest is not None else ""

    @property
    def denied(self) -> bool:
        """Whether the broker or its certificate keeps being refused."""
        return self._denied_since is not None and monotonic() - self._denied_since > _DENIED_AFTER_S


def _wait_for_topics(bootstrap: str, deadline_s: float, on_wait: Callable[[str], None]) -> None:
    """Return when a broker answers and has all topics; both may still be on their way while a stack starts."""
    troubles = _Troubles()
    admin = AdminClient(client_config(bootstrap) | {"error_cb": troubles.hear})
    deadline = monotonic() + deadline_s
    told = False
    while True:
        missing: list[str] | None = None
        try:
            missing = missing_topics(admin, _PATIENCE_S)
        except KafkaException:
            admin.poll(0)
        if missing == []:
            return
        if troubles.denied and missing is None:
            raise KafkaAccessDenied(
                f"Kafka at {bootstrap} cannot be entered{troubles.reason}. 0 messages were sent. Look at the login and "
                "the certificates in the environment variables TICKETSIM_KAFKA_*."
            )
        if missing:
            waiting_for = f"Kafka at {bootstrap} has no topic {', '.join(missing)}"
        else:
            waiting_for = f"no Kafka answers at {bootstrap}{troubles.reason}"
        if monotonic() >= deadline:
            cure = "`ticketsim broker start` starts the local one and creates the topics."
            if missing:
                raise TopicsMissing(f"{waiting_for}; waited {deadline_s:g} s. 0 messages were sent. {cure}")
            raise KafkaUnreachable(
                f"{waiting_for}; waited {deadline_s:g} s. 0 messages were sent. {cure} One that asks for TLS or a "
                "login needs the environment variables TICKETSIM_KAFKA_*."
            )
        if not told:
            told = True
            on_wait(f"{waiting_for}; waiting up to {deadline_s:g} s")
        sleep(_PATIENCE_S)
