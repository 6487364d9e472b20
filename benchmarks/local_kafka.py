"""A real Kafka for a measurement."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ticketsim.stack import broker
from ticketsim.stack.ports import free_port


@contextmanager
def running_broker(place: Path) -> Iterator[str]:
    """Run a broker with its data in ``place`` until the block is left; yield its bootstrap servers."""
    kafka = broker.start(place, free_port())
    try:
        yield str(kafka.bootstrap)
    finally:
        broker.stop(place)
