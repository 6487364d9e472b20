"""Settings: whatever stands in the environment is taken, with all that follows from it, or refused by name."""

import os
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.exceptions import KafkaSettingsRefused
from simulator.kafka_settings import KafkaSettings, client_config
from streaming.exceptions import LocationRefused
from ticketsim_assets.assets.partitions import daily_partitions, hourly_partitions
from ticketsim_assets.exceptions import SettingsRefused
from ticketsim_assets.settings import Settings, read_settings

ODD = st.one_of(
    st.sampled_from(
        [
            *("", " ", "0", "-1", "-5", "1e3", "1e400", "nan", "inf", "-inf", "0x10", "9" * 400, "1_000", "٣", "None"),
            *("2026-06-01", "2026-06-01T00:30", "0001-01-01", "9999-12-31T23:00-14:00", "2026-06-01T02:00+02:00"),
            *(
                "~",
                "~nobody-of-this-name",
                ".",
                "..",
                "/",
                "//",
                "/dev/null/x",
                "é 日本",
                "a\nb",
                "\x1b[31m",
                "[/bold]",
            ),
            *("gs://", "gs://b", "gs://B", "gs:/b", "s3://b/x", "file:///x", "https://", "http://h/?q", "x" * 300),
            *("h", "h:", ":1", "h:0", "h:70000", "h:1,", "[::1]:9092", "duckdb", "DUCKDB", "\udcff", "{{ x }}", "'--"),
        ]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
    st.integers().map(str),
    st.floats().map(str),
    st.datetimes().map(str),
)


@contextmanager
def environment(**variables: str):
    """These settings and no others."""
    others = {name: value for name, value in os.environ.items() if name.upper().startswith("TICKETSIM_")}
    for name in others:
        del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]
        os.environ.update(others)


@given(name=st.sampled_from(sorted(Settings.model_fields)), value=ODD)
@settings(deadline=None, max_examples=400)
def test_an_odd_value_is_taken_with_all_that_follows_from_it_or_refused_in_a_sentence(name, value):
    variable = f"TICKETSIM_{name.upper()}"
    with environment(**{variable: value}):
        try:
            read = read_settings()
        except (SettingsRefused, LocationRefused) as error:
            said = str(error)
            assert said.startswith(variable)
            assert "\n" not in said
            assert len(said) < len(value) * 10 + 300
            assert name == "alert_url" or repr(value)[1:-1] in said or name in {"home", "lake_uri"}
            assert name != "alert_url" or len(value) < 3 or value not in said.removeprefix(variable) or value in "https"
            return
    followed = [getattr(read, name) for name, member in vars(Settings).items() if isinstance(member, property)]
    assert len(followed) > 8
    assert read.root.is_absolute()
    assert 0 < read.broker_port < 1 << 16


@given(name=st.sampled_from(sorted(KafkaSettings.model_fields)), value=ODD)
@settings(deadline=None)
def test_an_odd_value_of_kafkas_security_is_taken_or_refused_in_a_sentence(name, value):
    variable = f"TICKETSIM_KAFKA_{name.upper()}"
    with environment(**{variable: value}):
        try:
            client_config("h:1")
        except KafkaSettingsRefused as error:
            said = str(error)
        else:
            return
    assert "TICKETSIM_KAFKA_" in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("LAG_WARNING", "-5", r"TICKETSIM_LAG_WARNING is '-5'; expected a whole number from 1 to 10\^12"),
        ("LATENESS_MINUTES", "inf", "TICKETSIM_LATENESS_MINUTES is 'inf'; expected a number above 0 and up to 10080"),
        ("BOOTSTRAP", "localhost", r"TICKETSIM_BOOTSTRAP is 'localhost'; expected host:port\[,host:port\]"),
        ("FIRST_HOUR", "2026-06-01T00:30", "is '2026-06-01T00:30'; expected the start of an hour from 2000 to 2099"),
        ("FIRST_HOUR", "1999-12-31T23:00Z", "expected the start of an hour from 2000"),
        ("ALERT_URL", "hooks.example/secret", "^TICKETSIM_ALERT_URL is invalid; expected an address"),
        ("BIGQUERY_DATASET_PREFIX", "a`b", "expected letters, digits and underscores"),
        ("HOME", "gs://bucket/home", r"TICKETSIM_HOME is '.*gs:/bucket/home'. Name a directory"),
        (
            "LAKE_URI",
            "s3://bucket/lake",
            "TICKETSIM_LAKE_URI is '.*'. Name a directory or gs://bucket/prefix, not s3:/",
        ),
    ],
)
def test_a_value_that_cannot_be_is_named_with_the_variable_and_what_is_expected(variable, value, said):
    with environment(**{f"TICKETSIM_{variable}": value}), pytest.raises(Exception, match=said) as refused:
        read_settings()
    assert isinstance(refused.value, SettingsRefused | LocationRefused)


@pytest.mark.parametrize("text", ["2026-06-01", "2026-06-01T00:00", "2026-06-01T02:00+02:00", "2026-06-01T00:00:00Z"])
def test_a_first_hour_is_utc_however_it_is_written_and_begins_the_partitions(text):
    with environment(TICKETSIM_FIRST_HOUR=text):
        first_hour = read_settings().first_hour
    assert first_hour == datetime(2026, 6, 1, tzinfo=UTC)
    assert next(islice(hourly_partitions(first_hour).get_partition_keys(), 1)) == "2026-06-01-00:00"
    assert daily_partitions(first_hour).get_partition_keys()[0] == "2026-06-01"


def test_two_wrong_values_are_both_named():
    with (
        environment(TICKETSIM_LAG_WARNING="many", TICKETSIM_SPARK="here"),
        pytest.raises(SettingsRefused, match=r"TICKETSIM_SPARK is 'here'.*TICKETSIM_LAG_WARNING is 'many'"),
    ):
        read_settings()


@pytest.mark.slow
def test_dagster_says_the_sentence_when_it_loads_the_graph():
    done = subprocess.run(
        [sys.executable, "-c", "import ticketsim_assets.definitions"],
        env={**os.environ, "TICKETSIM_FIRST_HOUR": "soon"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "ticketsim_assets.exceptions.SettingsRefused: TICKETSIM_FIRST_HOUR is 'soon'; expected the start of an hour"
    )
