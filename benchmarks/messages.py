"""Messages from the simulator, to measure with."""

from datetime import datetime

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
