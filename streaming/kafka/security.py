"""TLS and login for Spark's Kafka source, from the same settings as the simulator's: ``TICKETSIM_KAFKA_*``."""

from typing import Final

from simulator.kafka_settings import KafkaSettings, kafka_settings

_LOGIN_MODULES: Final = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
}


def security_options() -> dict[str, str]:
    """Return the options with which Spark's Kafka source reaches the broker; none for a plain one.

    Certificates are passed as they are, not as paths: executors on other machines do not have the files.

    Raises:
        KafkaSettingsRefused: The environment variables contradict each other, or one of them is invalid.
    """
    settings = kafka_settings()
    if settings.security_protocol == "PLAINTEXT":
        return {}
    options = {"security.protocol": settings.security_protocol} | _login(settings) | _certificates(settings)
    return {f"kafka.{name}": value for name, value in options.items()}


def _login(settings: KafkaSettings) -> dict[str, str]:
    if settings.sasl_username is None or settings.sasl_password is None:
        return {}
    username, password = (_quoted(text) for text in (settings.sasl_username, settings.sasl_password.get_secret_value()))
    module = _LOGIN_MODULES[settings.sasl_mechanism]
    return {
        "sasl.mechanism": settings.sasl_mechanism,
        "sasl.jaas.config": f"{module} required username={username} password={password};",
    }


def _certificates(settings: KafkaSettings) -> dict[str, str]:
    options: dict[str, str] = {}
    if settings.ssl_ca_location is not None:
        options |= {
            "ssl.truststore.type": "PEM",
            "ssl.truststore.certificates": settings.ssl_ca_location.read_text("ascii"),
        }
    if settings.ssl_certificate_location is not None and settings.ssl_key_location is not None:
        options |= {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.certificate.chain": settings.ssl_certificate_location.read_text("ascii"),
            "ssl.keystore.key": settings.ssl_key_location.read_text("ascii"),
        }
    if settings.ssl_key_password is not None:
        options["ssl.key.password"] = settings.ssl_key_password.get_secret_value()
    return options


def _quoted(text: str) -> str:
    """Quote a value in the syntax of JAAS."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
