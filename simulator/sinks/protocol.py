"""The protocol of sinks."""

from typing import Protocol


class Sink(Protocol):
    """Destination of messages, in order."""

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        """Send one message; it may be buffered, and the call may block for as long as the receiver needs."""

    def poll(self) -> None:
        """Send buffered messages and raise on failures; called several times a second."""

    def flush(self) -> None:
        """Wait until every message is delivered."""
