"""A real Kafka with properties of a test's own, behind those of the local broker."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

import psutil
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from streaming.spark.jars import ensure_jars
from streaming.spark.java import find_java
from ticketsim.stack.kafka_process import end
from ticketsim.stack.ports import free_port

PROPERTIES = Path(__file__).parent.parent / "ticketsim" / "stack" / "server.properties"


@dataclass
class CustomKafka:
    """One broker; a field whose name ends with ``port`` may stand in its properties as ``$name``."""

    directory: Path
    port: int = field(default_factory=free_port)
    controller_port: int = field(default_factory=free_port)
    process: psutil.Popen | None = None

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def format(self, properties: str, *options: str) -> None:
        """Make its storage.

        Args:
            properties: What stands behind the local broker's own properties; the last one of a name counts.
            options: Of Kafka's tool.
        """
        ports = {name: value for name, value in vars(self).items() if name.endswith("port")}
        text = Template(PROPERTIES.read_text() + properties).substitute(ports)
        (self.directory / "server.properties").write_text(text)
        tool = ("kafka.tools.StorageTool", "format", "-t", "dGlja2V0c2ltLXRlc3RzLQ", "-c", "server.properties")
        assert self._java(*tool, *options).wait(60) == 0, (self.directory / "kafka.out").read_text()

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = self._java("kafka.Kafka", "server.properties")
        client = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        deadline = time.monotonic() + 120
        while True:
            assert self.process.is_running(), (self.directory / "kafka.out").read_text()
            assert time.monotonic() < deadline, (self.directory / "kafka.out").read_text()
            with suppress(KafkaException):
                client.list_topics(timeout=1)
                return

    def kill(self) -> None:
        """End it as a crash would: kill -9."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            end(self.process)

    def _java(self, *arguments: str) -> psutil.Popen:
        jars = ensure_jars()
        with (self.directory / "kafka.out").open("ab") as output:
            return psutil.Popen(
                [str(find_java().path), "-Xmx384m", "-cp", str(jars.broker[0].parent / "*"), *arguments],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
