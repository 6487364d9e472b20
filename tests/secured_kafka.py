"""A real Kafka that asks for TLS and a login, with certificates of an authority of its own."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

import psutil
import trustme
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from streaming.spark.jars import ensure_jars
from streaming.spark.java import find_java
from ticketsim.stack.kafka_process import end
from ticketsim.stack.ports import free_port

PROPERTIES = Path(__file__).parent.parent / "ticketsim" / "stack" / "server.properties"

USERNAME = "gate"
PASSWORD = "not-a-secret"  # noqa: S105  # pragma: allowlist secret

#: Behind the local broker's own properties; the last one of a name counts.
SECURITY = """
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller_port,\
LOGIN://127.0.0.1:$login_port,LOGIN_TLS://127.0.0.1:$login_tls_port,TLS://127.0.0.1:$tls_port
advertised.listeners=PLAINTEXT://127.0.0.1:$port,\
LOGIN://127.0.0.1:$login_port,LOGIN_TLS://127.0.0.1:$login_tls_port,TLS://127.0.0.1:$tls_port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_PLAINTEXT,LOGIN_TLS:SASL_SSL,TLS:SSL
ssl.keystore.type=PEM
ssl.keystore.location=server.pem
ssl.truststore.type=PEM
ssl.truststore.location=authority.pem
listener.name.tls.ssl.client.auth=required
listener.name.login.sasl.enabled.mechanisms=PLAIN
listener.name.login.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
user_plain="simple";
listener.name.login_tls.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.login_tls.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
"""


@dataclass
class SecuredKafka:
    """One broker with four doors: plain text, login (PLAIN), login over TLS (SCRAM), TLS with client certificates."""

    directory: Path
    port: int = field(default_factory=free_port)
    controller_port: int = field(default_factory=free_port)
    login_port: int = field(default_factory=free_port)
    login_tls_port: int = field(default_factory=free_port)
    tls_port: int = field(default_factory=free_port)
    process: psutil.Popen | None = None

    def __post_init__(self) -> None:
        authority = trustme.CA()
        server, client = authority.issue_cert("127.0.0.1"), authority.issue_cert("gate@ticketsim")
        (self.directory / "server.pem").write_bytes(
            _pkcs8(server.private_key_pem) + b"".join(pem.bytes() for pem in server.cert_chain_pems)
        )
        (self.directory / "client-key.pem").write_bytes(_pkcs8(client.private_key_pem))
        client.cert_chain_pems[0].write_to_path(self.directory / "client.pem")
        authority.cert_pem.write_to_path(self.directory / "authority.pem")
        trustme.CA().cert_pem.write_to_path(self.directory / "stranger.pem")
        properties = Template(PROPERTIES.read_text() + SECURITY)
        ports = {name: value for name, value in vars(self).items() if name.endswith("port")}
        (self.directory / "server.properties").write_text(properties.substitute(ports))
        self._java(
            *("kafka.tools.StorageTool", "format", "-t", "dGlja2V0c2ltLXRlc3RzLQ", "-c", "server.properties"),
            *("--add-scram", f"SCRAM-SHA-512=[name={USERNAME},password={PASSWORD}]"),
        ).wait(60)

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = self._java("kafka.Kafka", "server.properties")
        client = AdminClient({"bootstrap.servers": f"127.0.0.1:{self.port}", "log_level": 0})
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

    def pem(self, name: str) -> str:
        """Where a certificate or key lies."""
        return str(self.directory / f"{name}.pem")

    @property
    def login(self) -> dict[str, str]:
        """Environment for the door with a login, in plain text."""
        return variables(security_protocol="SASL_PLAINTEXT", sasl_mechanism="PLAIN", sasl_username="plain",
                         sasl_password="simple")  # noqa: S106  # fmt: skip  # pragma: allowlist secret

    @property
    def login_tls(self) -> dict[str, str]:
        """Environment for the door with a login over TLS."""
        return variables(security_protocol="sasl_ssl", sasl_username=USERNAME, sasl_password=PASSWORD,
                         ssl_ca_location=self.pem("authority"))  # fmt: skip

    @property
    def tls(self) -> dict[str, str]:
        """Environment for the door that wants to see the client's certificate."""
        return variables(
            security_protocol="SSL",
            ssl_ca_location=self.pem("authority"),
            ssl_certificate_location=self.pem("client"),
            ssl_key_location=self.pem("client-key"),
        )

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


def _pkcs8(key: trustme.Blob) -> bytes:
    """A private key in the only form that Java reads."""
    loaded = load_pem_private_key(key.bytes(), password=None)
    return loaded.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def variables(**settings: str) -> dict[str, str]:
    """Settings as environment variables."""
    return {f"TICKETSIM_KAFKA_{name.upper()}": value for name, value in settings.items()}
