"""A real Kafka that asks for TLS and a login, with certificates of an authority of its own."""

from dataclasses import dataclass, field

import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from ticketsim.stack.ports import free_port

from .custom_kafka import CustomKafka

USERNAME = "gate"
PASSWORD = "not-a-secret"  # noqa: S105  # pragma: allowlist secret

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
class SecuredKafka(CustomKafka):
    """One broker with four doors: plain text, login (PLAIN), login over TLS (SCRAM), TLS with client certificates."""

    login_port: int = field(default_factory=free_port)
    login_tls_port: int = field(default_factory=free_port)
    tls_port: int = field(default_factory=free_port)

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
        self.format(SECURITY, "--add-scram", f"SCRAM-SHA-512=[name={USERNAME},password={PASSWORD}]")

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


def _pkcs8(key: trustme.Blob) -> bytes:
    """A private key in the only form that Java reads."""
    loaded = load_pem_private_key(key.bytes(), password=None)
    return loaded.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def variables(**settings: str) -> dict[str, str]:
    """Settings as environment variables."""
    return {f"TICKETSIM_KAFKA_{name.upper()}": value for name, value in settings.items()}
