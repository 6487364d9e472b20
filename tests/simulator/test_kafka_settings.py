"""TLS and logins: what the environment may say, and that a real broker that asks for them is reached with them."""

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from simulator.events import TOPICS
from simulator.exceptions import KafkaAccessDenied, KafkaSettingsRefused, KafkaUnreachable
from simulator.kafka_settings import KafkaSettings, client_config
from simulator.run import simulate
from simulator.sinks import open_sink
from simulator.topics import create_topics
from streaming.kafka.offsets import topic_offsets
from streaming.kafka.security import security_options
from streaming.kafka.topic_ids import topic_ids

from ..secured_kafka import SecuredKafka, variables


@pytest.fixture
def environment(monkeypatch):
    """environment(variables): these and no others."""

    def choose(chosen):
        for name in variables(**dict.fromkeys(KafkaSettings.model_fields, "")):
            monkeypatch.delenv(name, raising=False)
        for name, value in chosen.items():
            monkeypatch.setenv(name, value)

    return choose


# pragma: allowlist nextline secret
LOGIN = {"sasl_username": "gate", "sasl_password": "hidden"}


def test_without_settings_neither_encryption_nor_login_is_used(environment):
    environment({})

    assert client_config("h:1") == {"bootstrap.servers": "h:1", "security.protocol": "PLAINTEXT", "log_level": 0}
    assert security_options() == {}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"security_protocol": "tls"}, "SECURITY_PROTOCOL is 'TLS'.*SASL_SSL"),
        ({"security_protocol": "SASL_SSL"}, "needs TICKETSIM_KAFKA_SASL_USERNAME and TICKETSIM_KAFKA_SASL_PASSWORD"),
        (LOGIN, "PROTOCOL is PLAINTEXT, which uses none"),
        (LOGIN | {"security_protocol": "sasl_ssl", "sasl_mechanism": "GSSAPI"}, "SASL_MECHANISM is 'GSSAPI'"),
        ({"security_protocol": "ssl", "ssl_ca_location": "/nowhere.pem"}, "SSL_CA_LOCATION is '/nowhere.pem'"),
        ({"security_protocol": "ssl", "ssl_key_location": __file__}, "SSL_CERTIFICATE_LOCATION and .* need each other"),
        ({"ssl_ca_location": __file__}, "certificates are given, but .* is PLAINTEXT"),
        # pragma: allowlist nextline secret
        ({"password": "hidden"}, "Unknown setting TICKETSIM_KAFKA_PASSWORD; expected one of"),
    ],
)
def test_impossible_settings_are_refused_by_name_and_without_secrets(environment, monkeypatch, settings, said):
    environment({})
    for name, value in variables(**settings).items():
        monkeypatch.setenv(name, value)

    with pytest.raises(KafkaSettingsRefused, match=said) as refused:
        client_config("h:1")
    assert "hidden" not in str(refused.value)


def test_a_password_is_quoted_where_it_is_part_of_a_sentence(environment):
    environment(variables(security_protocol="SASL_SSL", sasl_username="gate", sasl_password='a"b\\c'))  # noqa: S106

    assert security_options()["kafka.sasl.jaas.config"] == (
        # pragma: allowlist nextline secret
        'org.apache.kafka.common.security.scram.ScramLoginModule required username="gate" password="a\\"b\\\\c";'
    )


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    kafka = SecuredKafka(tmp_path_factory.mktemp("secured"))
    try:
        kafka.start()
        create_topics(f"127.0.0.1:{kafka.port}", 1)
        yield kafka
    finally:
        kafka.stop()


@pytest.mark.slow
@pytest.mark.parametrize("door", ["login", "login_tls", "tls"])
def test_a_run_goes_through_every_kind_of_door(secured, environment, plan, door):
    environment(getattr(secured, door))
    bootstrap = f"127.0.0.1:{getattr(secured, f'{door}_port')}"
    before = total(bootstrap)
    with open_sink(f"kafka://{bootstrap}") as sink:
        summary = simulate(plan(hours=0.2), sink)

    assert total(bootstrap) - before == summary.total > 500
    assert set(topic_ids(bootstrap)) == set(TOPICS)
    assert sum(log.end for log in topic_offsets(bootstrap).values()) == total(bootstrap)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("door", "wrong", "said"),
    [
        # pragma: allowlist nextline secret
        ("login", {"sasl_password": "guessed"}, "Invalid username or password"),
        # pragma: allowlist nextline secret
        ("login_tls", {"sasl_password": "guessed"}, "invalid credentials"),
        ("login_tls", {"ssl_ca_location": "stranger"}, "certificate"),
    ],
)
def test_a_wrong_password_or_authority_is_an_error_long_before_the_deadline(secured, environment, door, wrong, said):
    wrong = {name: secured.pem(value) if "location" in name else value for name, value in wrong.items()}
    environment(getattr(secured, door) | variables(**wrong))
    with (
        pytest.raises(KafkaAccessDenied, match=rf"{said}.*TICKETSIM_KAFKA_\*") as denied,
        open_sink(f"kafka://127.0.0.1:{getattr(secured, f'{door}_port')}", deadline_s=600),
    ):
        pass
    assert "guessed" not in str(denied.value)


@pytest.mark.slow
def test_a_door_that_was_not_named_is_named_in_the_end(secured, environment):
    environment({})
    with (
        pytest.raises(KafkaUnreachable, match=r"TLS or a login needs the environment variables TICKETSIM_KAFKA_\*"),
        open_sink(f"kafka://127.0.0.1:{secured.login_tls_port}", deadline_s=2),
    ):
        pass


@retry(retry=retry_if_exception_type(KafkaException), wait=wait_fixed(0.2), stop=stop_after_delay(20), reraise=True)
def total(bootstrap):  # a broker that has just made its topics may not lead them yet
    """Messages in all topics, as a consumer with the same settings sees them."""
    consumer = Consumer(client_config(bootstrap) | {"group.id": "test"})
    try:
        return sum(consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)[1] for topic in TOPICS)
    finally:
        consumer.close()
