"""A broker that is also reached through a proxy: for those who come that way, it advertises the proxy's port."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.proxy import Proxy
from simulator.events import TOPICS
from simulator.topics import create_topics
from tests.custom_kafka import CustomKafka
from tests.fresh_topics import make_anew
from ticketsim.defaults import PARTITIONS
from ticketsim.stack.ports import free_port

_LISTENERS = """
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller_port,PROXIED://127.0.0.1:$behind_port
advertised.listeners=PLAINTEXT://127.0.0.1:$port,PROXIED://127.0.0.1:$proxy_port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT
"""


@dataclass
class ProxiedKafka(CustomKafka):
    """One broker with two doors, one of them behind a proxy."""

    behind_port: int = field(default_factory=free_port)
    proxy_port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.proxy = Proxy(self.behind_port)

    @property
    def proxied_bootstrap(self) -> str:
        return f"127.0.0.1:{self.proxy_port}"

    def restart(self) -> None:
        """Start it again with its data, if it does not run."""
        if self.process is None or not self.process.is_running():
            self.start()
            create_topics(self.bootstrap, PARTITIONS)

    def empty(self) -> None:
        """Make all topics anew."""
        make_anew(self.bootstrap, TOPICS)


@contextmanager
def running_proxied_kafka(directory: Path) -> Iterator[ProxiedKafka]:
    """Run a broker in ``directory``, and the proxy before its second door."""
    kafka = ProxiedKafka(directory)
    kafka.format(_LISTENERS)
    with kafka.proxy.listening(kafka.proxy_port):
        try:
            kafka.restart()
            yield kafka
        finally:
            kafka.stop()
