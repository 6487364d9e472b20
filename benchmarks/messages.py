"""Messages to measure with, from the simulator."""

from datetime import datetime

from simulator.run import plan_run, simulate
from simulator.scenario import load_scenario

Message = tuple[str, bytes]  #: topic and value


class Kept:
    """A sink that keeps what it is sent."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.messages: list[Message] = []

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        """Keep one message."""
        self.messages.append((topic, value))

    def poll(self) -> None:
        """Nothing is on its way."""

    def flush(self) -> None:
        """Nothing is on its way."""


def messages_of_an_hour(scenario: str, start: datetime) -> list[Message]:
    """All messages of an hour at one venue, and of its drain."""
    sink = Kept()
    simulate(plan_run(load_scenario(scenario), hours=1, start=start, run_id="measured"), sink)
    return sink.messages
