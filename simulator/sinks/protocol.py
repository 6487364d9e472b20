"""What a sink can do."""

from typing import Protocol


class Sink(Protocol):
    """Takes messages in order."""

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        """Take one message; it may be kept back for a moment, and it may take as long as the receiver needs."""

    def poll(self) -> None:
        """Called several times a second: pass on what was kept back, notice failures."""

    def flush(self) -> None:
        """Return when everything taken has arrived."""
