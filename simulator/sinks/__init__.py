"""Sinks: destinations of messages, which are standard output, a file or Kafka."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from simulator.exceptions import SinkError
from simulator.sinks.jsonl import file_sink, stdout_sink
from simulator.sinks.protocol import Sink

__all__ = ["Sink", "check_destination", "is_kafka", "open_sink"]

_KAFKA: Final = "kafka://"
_FILE: Final = "file:"


def is_kafka(destination: str) -> bool:
    """Return whether ``destination`` is Kafka, not standard output or a file."""
    return destination.startswith(_KAFKA)


def check_destination(destination: str) -> None:
    """Validate a destination of ``open_sink``.

    Raises:
        SinkError: It is none of ``stdout``, ``file:PATH`` and ``kafka://HOST:PORT[,HOST:PORT]``.
    """
    kafka = is_kafka(destination) and all(
        host and port.isdecimal()
        for host, _, port in (server.rpartition(":") for server in destination.removeprefix(_KAFKA).split(","))
    )
    file = destination.startswith(_FILE) and destination != _FILE
    if not (destination == "stdout" or file or kafka):
        raise SinkError(
            f"Invalid destination '{destination}'; expected stdout, file:PATH or kafka://HOST:PORT[,HOST:PORT]."
        )


@contextmanager
def open_sink(
    destination: str,
    *,
    deadline_s: float | None = None,
    on_wait: Callable[[str], None] = lambda _: None,
    batches: bool = False,
) -> Iterator[Sink]:
    """Open the sink of ``destination`` and close it at the end.

    Args:
        destination: One of ``stdout``, ``file:PATH`` and ``kafka://HOST:PORT[,HOST:PORT]``.
        deadline_s: Timeout for a Kafka that does not answer, seconds. Default: ``TICKETSIM_KAFKA_DEADLINE_S``.
        on_wait: Callback with a sentence that says what is being waited for.
        batches: Whether most messages come in batches, as those of the fast engine do.

    Raises:
        SinkError: The destination is invalid or cannot be opened.
        KafkaUnreachable: No broker answered before the timeout.
        TopicsMissing: The broker does not have all eight topics.
    """
    check_destination(destination)
    if destination == "stdout":
        with stdout_sink(sys.stdout.buffer) as sink:
            yield sink
    elif destination.startswith(_FILE):
        with file_sink(Path(destination.removeprefix(_FILE))) as sink:
            yield sink
    else:
        # librdkafka takes a tenth of a second to load; other sinks should not pay for it.
        from simulator.sinks.kafka import kafka_sink  # noqa: PLC0415

        address = destination.removeprefix(_KAFKA)
        with kafka_sink(address, deadline_s=deadline_s, on_wait=on_wait, batches=batches) as kafka:
            yield kafka
