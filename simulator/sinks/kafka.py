"""Kafka sink: idempotent, acknowledged by all replicas, no message dropped when the queue is full."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any, Final

from confluent_kafka import KafkaError as ClientError
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient

from simulator.events import TOPICS
from simulator.exceptions import DeliveryFailed, KafkaAccessDenied, KafkaUnreachable, TopicsMissing
from simulator.kafka_settings import client_config, kafka_settings
from simulator.sinks.batch import Batch
from simulator.sinks.librdkafka import BatchProducer
from simulator.topics import MAX_MESSAGE_BYTES, missing_topics

#: Messages between two polls of librdkafka.
_POLL_EVERY: Final = 1000

#: Timeout of one call, seconds: how soon a wait notices that it is over.
_POLL_TIMEOUT_S: Final = 0.5

#: Timeout of a call while the queue of a producer that takes batches is full: it fills within half a second.
_FULL_QUEUE_POLL_S: Final = 0.05

#: Seconds without any delivery before the user is informed.
_REPORT_AFTER_S: Final = 5.0

#: A login or certificate that is still refused after this many seconds is wrong: a starting broker may listen before
#: it has loaded its credentials.
_DENIED_AFTER_S: Final = 2.0


def producer_config(bootstrap: str) -> dict[str, Any]:
    """Build the configuration of librdkafka's producer."""
    return client_config(bootstrap) | {
        "enable.idempotence": True,
        "acks": "all",
        "compression.type": "lz4",
        "partitioner": "murmur2_random",  # as in Java clients: a venue's messages share a partition for every client
        "message.max.bytes": MAX_MESSAGE_BYTES,
        "batch.size": 1_000_000,
        "linger.ms": 50,
        "delivery.report.only.error": True,
        "message.timeout.ms": 0,  # never drop messages while the broker is away: our own timeout decides
        "queue.buffering.max.messages": 200_000,
        "queue.buffering.max.kbytes": 128 * 1024,
        "reconnect.backoff.max.ms": 2000,
    }


@contextmanager
def kafka_sink(
    bootstrap: str, *, deadline_s: float | None = None, on_wait: Callable[[str], None], batches: bool = False
) -> Iterator["KafkaSink"]:
    """Send to the Kafka at ``bootstrap``, ``host:port[,host:port]``.

    Args:
        bootstrap: Addresses of the brokers.
        deadline_s: Timeout, at the start and whenever nothing is delivered any more, seconds.
            Default: ``TICKETSIM_KAFKA_DEADLINE_S``.
        on_wait: Callback with a sentence that says what is being waited for.
        batches: Whether most messages come in batches.

    Raises:
        KafkaSettingsRefused: The environment variables ``TICKETSIM_KAFKA_*`` are invalid.
        KafkaAccessDenied: The broker refused the login, or a certificate was rejected.
        KafkaUnreachable: No broker answered or accepted a message before the timeout.
        TopicsMissing: The broker does not have all eight topics.
        DeliveryFailed: The broker permanently refused a message.
    """
    if deadline_s is None:
        deadline_s = kafka_settings().deadline_s
    _wait_for_topics(bootstrap, deadline_s, on_wait)
    kind = BatchKafkaSink if batches else KafkaSink
    sink = kind(bootstrap, deadline_s=deadline_s, on_wait=on_wait)
    try:
        yield sink
        sink.flush()
    finally:
        sink.discard()


class KafkaSink:
    """Sink that sends each message to the topic of its type, keyed by its venue, in order."""

    def __init__(self, bootstrap: str, *, deadline_s: float, on_wait: Callable[[str], None]) -> None:
        self._bootstrap: Final = bootstrap
        self._deadline_s: Final = deadline_s
        self._on_wait: Final = on_wait
        self._failure: ClientError | None = None
        self._failed = 0
        self._sent = 0
        self._delivered = 0
        self._last_delivery = self._last_report = monotonic()
        self._errors: Final = _ClientErrors()
        self._producer: Final = self._start(
            producer_config(bootstrap) | {"on_delivery": self._on_failed_delivery, "error_cb": self._errors.record}
        )

    def _start(self, config: dict[str, Any]) -> Any:
        return Producer(config)

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        """Queue one message; block, and with it the simulation, while the queue is full."""
        while True:
            try:
                self._producer.produce(topic, value, key)
                break
            except BufferError:
                self._producer.poll(_POLL_TIMEOUT_S)
                self._check()
            except KafkaException as error:
                self._failure = error.args[0]
                self._check()
        self._sent += 1
        if self._sent % _POLL_EVERY == 0:
            self.poll()

    def poll(self) -> None:
        """Poll librdkafka and check that messages are still delivered."""
        self._producer.poll(0)
        self._check()

    def flush(self) -> None:
        """Wait until the broker has acknowledged everything."""
        while self._producer.flush(_POLL_TIMEOUT_S):
            self._check()
        self._check()

    def discard(self) -> None:
        """Discard undelivered messages, so that the process can end."""
        self._producer.purge()
        self._producer.flush(_POLL_TIMEOUT_S)

    def _on_failed_delivery(self, error: ClientError | None, _: object) -> None:
        # discard() reports each message as purged; that is not a failure.
        if error is not None and error.code() not in (ClientError._PURGE_QUEUE, ClientError._PURGE_INFLIGHT):
            self._failure = error
            self._failed += 1

    def _check(self) -> None:
        """Raise if a delivery failed, or if none has succeeded within the timeout although some are pending."""
        waiting = len(self._producer)
        if self._failure is not None:
            undelivered = waiting + self._failed
            raise DeliveryFailed(
                f"Kafka at {self._bootstrap} refused messages: {self._failure.str()}. {undelivered} messages were not "
                "delivered. Check the topics' limits and the broker's log, and send the run again.",
                undelivered,
            )
        now = monotonic()
        delivered = self._sent - waiting
        if waiting == 0 or delivered > self._delivered:
            self._delivered = delivered
            self._last_delivery = self._last_report = now
        elif now - self._last_delivery > self._deadline_s:
            raise KafkaUnreachable(
                f"Kafka at {self._bootstrap} has accepted nothing for {self._deadline_s:g} s{self._errors.reason}; "
                f"{waiting} messages were not delivered. Start it with `ticketsim broker start` and send the run "
                "again.",
                waiting,
            )
        elif now - self._last_report > _REPORT_AFTER_S:
            self._last_report = now
            self._on_wait(f"waiting for Kafka at {self._bootstrap}: {waiting} messages not delivered yet")


class BatchKafkaSink(KafkaSink):
    """Sink that takes batches as well: a fifth of the work for each message."""

    def send_batch(self, batch: Batch) -> None:
        """Queue many messages; block while the queue is full."""
        try:
            for queued, left in self._producer.produce_batch(batch):
                self._sent += queued
                if left:
                    self._producer.poll(_FULL_QUEUE_POLL_S)
                    self._check()
        except KafkaException as error:
            self._failure = error.args[0]
            self._check()
        self.poll()

    def discard(self) -> None:
        """Discard undelivered messages, and the client."""
        super().discard()
        self._producer.close()

    def _start(self, config: dict[str, Any]) -> BatchProducer:
        return BatchProducer(config, TOPICS)


class _ClientErrors:
    """Errors reported by librdkafka: the newest reason why a broker cannot be reached."""

    def __init__(self) -> None:
        self._newest: ClientError | None = None
        self._denied_since: float | None = None

    def record(self, error: ClientError) -> None:
        """Record an error; that all brokers are down is not a reason by itself."""
        if error.code() == ClientError._ALL_BROKERS_DOWN:
            return
        self._newest = error
        if error.code() in (ClientError._AUTHENTICATION, ClientError._SSL) and self._denied_since is None:
            self._denied_since = monotonic()

    @property
    def reason(self) -> str:
        """The reason in brackets, to follow a sentence; empty if unknown."""
        return f" ({self._newest.str()})" if self._newest is not None else ""

    @property
    def denied(self) -> bool:
        """Whether the login or a certificate keeps being refused."""
        return self._denied_since is not None and monotonic() - self._denied_since > _DENIED_AFTER_S


def _wait_for_topics(bootstrap: str, deadline_s: float, on_wait: Callable[[str], None]) -> None:
    """Wait until a broker answers and has all topics; while a stack starts, both may take some time."""
    errors = _ClientErrors()
    admin = AdminClient(client_config(bootstrap) | {"error_cb": errors.record})
    deadline = monotonic() + deadline_s
    reported = False
    while True:
        missing: list[str] | None = None
        try:
            missing = missing_topics(admin, _POLL_TIMEOUT_S)
        except KafkaException:
            admin.poll(0)
        if missing == []:
            return
        if errors.denied and missing is None:
            raise KafkaAccessDenied(
                f"Kafka at {bootstrap} denied access{errors.reason}. 0 messages were sent. Check the login and the "
                "certificates in the environment variables TICKETSIM_KAFKA_*."
            )
        if missing:
            waiting_for = f"Kafka at {bootstrap} has no topic {', '.join(missing)}"
        else:
            waiting_for = f"No Kafka answers at {bootstrap}{errors.reason}"
        if monotonic() >= deadline:
            cure = "Start the local one and create its topics with `ticketsim broker start`."
            if missing:
                raise TopicsMissing(f"{waiting_for}; waited {deadline_s:g} s. 0 messages were sent. {cure}")
            raise KafkaUnreachable(
                f"{waiting_for}; waited {deadline_s:g} s. 0 messages were sent. {cure} One that requires TLS or a "
                "login needs the environment variables TICKETSIM_KAFKA_*."
            )
        if not reported:
            reported = True
            on_wait(f"{waiting_for}; waiting up to {deadline_s:g} s")
        sleep(_POLL_TIMEOUT_S)
