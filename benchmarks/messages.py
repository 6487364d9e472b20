"""Messages from the simulator, to measure with."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count

from confluent_kafka import Producer

from simulator.run import plan_run, simulate
from simulator.scenario import load_scenario

Message = tuple[str, bytes]  #: topic and value


class Kept:
    """A sink that keeps all messages."""

    def __init__(self) -> None:
        """Start with no messages."""
        self.messages: list[Message] = []

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        """Keep one message."""
        self.messages.append((topic, value))

    def poll(self) -> None:
        """Do nothing: no message is in flight."""

    def flush(self) -> None:
        """Do nothing: no message is in flight."""


def messages_of_an_hour(scenario: str, start: datetime) -> list[Message]:
    """Simulate one hour at one venue, and its drain, and return all messages."""
    sink = Kept()
    simulate(plan_run(load_scenario(scenario), hours=1, start=start, run_id="measured"), sink)
    return sink.messages


@contextmanager
def steady_messages(bootstrap: str, rate: float) -> Iterator[None]:
    """Send ``rate`` messages a second until the block is left; what a dead broker does not take is sent again."""
    messages = messages_of_an_hour("original", datetime.now(UTC) - timedelta(hours=6))
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, "log_level": 0})
    ended = threading.Event()

    def send() -> None:
        began = time.monotonic()
        for number in count():
            if ended.wait(max(0.0, began + number / rate - time.monotonic())):
                return
            topic, value = messages[number % len(messages)]
            producer.produce(topic, value)
            producer.poll(0)

    sending = threading.Thread(target=send, daemon=True)
    sending.start()
    try:
        yield
    finally:
        ended.set()
        sending.join()
