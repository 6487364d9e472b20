"""A real Kafka for a measurement."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ticketsim.stack import broker
from ticketsim.stack.ports import free_port


@contextmanager
def running_broker(place: Path) -> Iterator[str]:
    """Where to connect to a broker with its data in ``place``, for as long as the block lasts."""
    kafka = broker.start(place, free_port())
    try:
        yield str(kafka.bootstrap)
    finally:
        broker.stop(place)
