"""Kafka client settings for TLS and login: environment variables ``TICKETSIM_KAFKA_*``.

Every client of librdkafka takes its configuration from here. The stream derives the configuration of Spark's consumer
from the same settings.
"""

import os
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import Field, FilePath, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from simulator.exceptions import KafkaSettingsRefused

_PREFIX: Final = "TICKETSIM_KAFKA_"


class KafkaSettings(BaseSettings):
    """Protocol, login and certificates; by default neither encryption nor login, for a broker on this machine."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """With SSL the connection is encrypted and the broker's certificate checked, with SASL the client logs in."""

    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """Mechanism of the login."""

    sasl_username: str | None = None
    """User name of the login."""

    sasl_password: SecretStr | None = None
    """Password of the login."""

    ssl_ca_location: FilePath | None = None
    """PEM file of the authorities that may have signed the broker's certificate; default: those of the system."""

    ssl_certificate_location: FilePath | None = None
    """PEM file of the client's own certificate, if the broker requires one."""

    ssl_key_location: FilePath | None = None
    """PEM file (PKCS #8) of that certificate's private key."""

    ssl_key_password: SecretStr | None = None
    """Password of that file, if it has one."""

    deadline_s: float = Field(default=60.0, gt=0, le=86_400)
    """Timeout of a sink for a Kafka that does not answer or accepts no messages, seconds; at most a day."""

    @field_validator("security_protocol", "sasl_mechanism", mode="before")
    @classmethod
    def _in_capitals(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("ssl_ca_location", "ssl_certificate_location", "ssl_key_location", mode="before")
    @classmethod
    def _can_be_a_path(cls, value: Any) -> Any:
        """Refuse what the system does not take as a path, e.g. a name that is too long: pydantic lets it raise."""
        if value is not None:
            try:
                Path(value).stat()
            except FileNotFoundError:
                pass  # pydantic says so
            except (OSError, ValueError) as error:
                raise ValueError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        """Reject settings that are missing or would be ignored: an unused password is a mistake."""
        login, certificate = (
            (self.sasl_username, self.sasl_password),
            (self.ssl_certificate_location, self.ssl_key_location),
        )
        if self.logs_in and not all(login):
            raise ValueError(f"{self.security_protocol} needs {_PREFIX}SASL_USERNAME and {_PREFIX}SASL_PASSWORD")
        if not self.logs_in and any(login):
            raise ValueError(
                f"a login is given, but {_PREFIX}SECURITY_PROTOCOL is {self.security_protocol}, which uses none; set "
                "it to SASL_SSL or SASL_PLAINTEXT"
            )
        if any(certificate) and not all(certificate):
            raise ValueError(f"{_PREFIX}SSL_CERTIFICATE_LOCATION and {_PREFIX}SSL_KEY_LOCATION need each other")
        if not self.encrypts and (self.ssl_ca_location or any(certificate)):
            raise ValueError(
                f"certificates are given, but {_PREFIX}SECURITY_PROTOCOL is {self.security_protocol}, which uses none; "
                "set it to SSL or SASL_SSL"
            )
        return self

    @property
    def logs_in(self) -> bool:
        """Whether clients log in."""
        return self.security_protocol.startswith("SASL_")

    @property
    def encrypts(self) -> bool:
        """Whether the connection is encrypted."""
        return self.security_protocol.endswith("SSL")


def kafka_settings() -> KafkaSettings:
    """Read the settings from the environment.

    Raises:
        KafkaSettingsRefused: A variable is unknown or invalid, or they contradict each other.
    """
    known = {_PREFIX + name.upper() for name in KafkaSettings.model_fields}
    unknown = sorted(name for name in os.environ if name.upper().startswith(_PREFIX) and name.upper() not in known)
    if unknown:
        raise KafkaSettingsRefused(f"Unknown setting {unknown[0]}; expected one of {', '.join(sorted(known))}.")
    try:
        return KafkaSettings()
    except ValidationError as error:
        raise KafkaSettingsRefused("; ".join(map(_described, error.errors(include_url=False))) + ".") from None


def client_config(bootstrap: str) -> dict[str, Any]:
    """Build the configuration that all clients of librdkafka share: addresses and security.

    Args:
        bootstrap: ``host:port[,host:port]``.

    Raises:
        KafkaSettingsRefused: See ``kafka_settings``.
    """
    settings = kafka_settings()
    config: dict[str, Any] = {
        "bootstrap.servers": bootstrap,
        "security.protocol": settings.security_protocol,
        "log_level": 0,  # failures reach us through errors and callbacks
    }
    if settings.logs_in and settings.sasl_password is not None:
        config["sasl.mechanism"] = settings.sasl_mechanism
        config["sasl.username"] = settings.sasl_username
        config["sasl.password"] = settings.sasl_password.get_secret_value()
    for name in ("ssl_ca_location", "ssl_certificate_location", "ssl_key_location"):
        if (path := getattr(settings, name)) is not None:
            config[name.replace("_", ".")] = str(path)
    if settings.ssl_key_password is not None:
        config["ssl.key.password"] = settings.ssl_key_password.get_secret_value()
    return config


def _described(error: Any) -> str:
    """Describe one validation error of pydantic, without the values of secrets."""
    if not error["loc"]:
        return str(error["ctx"]["error"])
    name = "_".join(map(str, error["loc"]))
    shown = "" if "password" in name else f" is {error['input']!r}"
    return f"{_PREFIX}{name.upper()}{shown}: {error['msg'][0].lower()}{error['msg'][1:]}"
