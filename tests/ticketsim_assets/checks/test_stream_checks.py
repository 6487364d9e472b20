"""The warnings, each with its defect planted."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from streaming.hour import Hour
from streaming.kafka.offsets import TopicOffsets
from ticketsim_assets.assets.lake import KAFKA_ASSETS, lake_assets
from ticketsim_assets.assets.partitions import hourly_partitions
from ticketsim_assets.automation import sensors
from ticketsim_assets.automation.sensors import kafka_sensor
from ticketsim_assets.checks import stream_checks
from ticketsim_assets.checks.offsets_check import verify_offsets
from ticketsim_assets.checks.quarantine_rate import newest_rates
from ticketsim_assets.checks.stream_checks import LAG_CHECKS, QUARANTINE_RATE_CHECK, evaluate_lag, evaluate_rates
from ticketsim_assets.keys import KAFKA_KEYS
from ticketsim_assets.resources.resources import LakeResource
from ticketsim_assets.settings import Settings

NOW = timedelta(0)
PLACE = "ticketsim.scan_tickets/0"


def lag_of(end: int, committed: int, *, threshold: int = 100, since_commit: timedelta | None = NOW):
    return evaluate_lag(
        "scan_tickets",
        {PLACE: TopicOffsets(0, end)},
        {PLACE: committed},
        threshold=threshold,
        since_commit=since_commit,
    )


def test_a_topic_with_more_messages_than_the_threshold_is_warned_of_by_name():
    assert lag_of(150, 50).passed
    warned = lag_of(151, 50)
    assert not warned.passed
    for named in ("ticketsim.scan_tickets", "101 messages", "100"):
        assert named in warned.description
    assert warned.as_evaluation().severity is dg.AssetCheckSeverity.WARN
    [partition] = warned.metadata["partitions"].records
    assert partition.data == {"partition": "0", "end_offset": 151, "committed": 50, "lag": 101}


def test_a_stream_that_stands_still_before_a_few_messages_is_warned_of():
    assert lag_of(51, 50, since_commit=timedelta(minutes=9)).passed
    assert lag_of(50, 50, since_commit=timedelta(hours=9)).passed
    warned = lag_of(51, 50, since_commit=timedelta(minutes=12))
    assert not warned.passed
    assert "the newest commit is 12 minutes old" in warned.description
    assert not lag_of(51, 0, since_commit=None).passed


def garbage(count: int):
    return [("ticketsim.scan_tickets", b"nonsense"), ("ticketsim.scan_tickets", b"{}")] * (count // 2)


def test_an_hour_with_too_much_garbage_is_warned_of_with_its_reasons(maker, run_messages):
    maker.append(run_messages[:190])
    maker.append([*run_messages[190:196], *garbage(4)])
    now = datetime.now(UTC)
    rates = newest_rates(maker.lake, maker.lake.snapshot(), now)
    assert sum(rate.rows for rate in rates) == 200
    assert evaluate_rates(rates, 0.05).passed
    warned = evaluate_rates(rates, 0.01)
    assert not warned.passed
    for named in ("malformed_json (2)", "missing_field:event_type (2)", "more than 1.0%", str(rates[0].hour)):
        assert named in warned.description
    hours = warned.metadata["hours"]
    assert isinstance(hours, dg.TableMetadataValue)
    assert {record.data["reason"] for record in hours.records} == {
        "malformed_json",
        "missing_field:event_type",
    }


def test_old_commits_and_reprocessing_count_for_nothing_and_are_not_read(maker, run_messages):
    first = maker.offsets.get("ticketsim.buy_tickets", 0)
    sales = [message for message in run_messages if message[0] == "ticketsim.buy_tickets"][:4]
    maker.refuse(sales, "bad_value:channel")
    maker.move(sales, first, at=datetime(2026, 3, 2, 10, tzinfo=UTC))
    now = datetime.now(UTC)
    rates = newest_rates(maker.lake, maker.lake.snapshot(), now)
    assert [(rate.rows, rate.quarantined) for rate in rates] == [(4, 4)]
    for path in (maker.root / "events").glob("event_type=quarantine/*/*/*.parquet"):
        path.unlink()
    assert newest_rates(maker.lake, maker.lake.snapshot(), now + timedelta(hours=3)) == []


@pytest.fixture
def tick(maker, instance, monkeypatch):
    """One tick of the sensor over Kafka, whose topics end where the test says; its events are recorded."""
    cursor = None

    def evaluate(ends: dict[str, int]):
        nonlocal cursor
        offsets = {f"ticketsim.{name}/0": TopicOffsets(0, ends.get(name, 0)) for name in KAFKA_KEYS}
        monkeypatch.setattr(sensors, "topic_offsets", lambda _: offsets)
        context = dg.build_sensor_context(
            instance, cursor=cursor, resources={"lake": LakeResource(uri=maker.lake.root)}
        )
        result = kafka_sensor(Settings())(context)
        cursor = result.cursor
        return result.asset_events

    return evaluate


def test_the_sensor_warns_once_when_a_lag_begins_and_once_when_it_ends(
    maker, run_messages, tick, instance, monkeypatch
):
    monkeypatch.setenv("TICKETSIM_LAG_WARNING", "50")
    maker.append(run_messages[:100])
    verify_offsets(instance, maker.lake, maker.lake.snapshot())
    ends = {topic.removeprefix("ticketsim."): end for topic, end in maker.offsets.items()}

    def lags(events):
        return {e.asset_key.path[-1]: e.passed for e in events if getattr(e, "check_name", None) == "lag"}

    first = tick(ends)
    assert all(lags(first).values())
    assert len(lags(first)) == len(KAFKA_KEYS)
    [rate] = [e for e in first if getattr(e, "check_name", None) == QUARANTINE_RATE_CHECK.name]
    assert rate.passed
    observed = {e.asset_key.path[-1]: e.metadata["lag"].value for e in first if isinstance(e, dg.AssetObservation)}
    assert observed == dict.fromkeys(KAFKA_KEYS, 0)
    assert lags(tick(ends)) == {}
    behind = ends | {"scan_tickets": ends.get("scan_tickets", 0) + 51}
    assert [name for name, passed in lags(tick(behind)).items() if not passed] == ["scan_tickets"]
    assert lags(tick(behind)) == {}
    assert all(lags(tick(ends)).values())


def test_garbage_that_arrives_is_warned_of_at_the_next_tick(maker, run_messages, tick):
    maker.append([*run_messages[:10], *garbage(2)])
    [warned] = [e for e in tick({}) if getattr(e, "check_name", None) == QUARANTINE_RATE_CHECK.name]
    assert not warned.passed
    assert "malformed_json (1)" in warned.description
    assert str(Hour.containing(datetime.now(UTC)))[:10] in warned.description


def test_each_warning_can_be_asked_for(maker, run_messages, instance, monkeypatch):
    maker.append([*run_messages[:10], *garbage(2)])
    verify_offsets(instance, maker.lake, maker.lake.snapshot())
    behind = {PLACE: TopicOffsets(0, 200_000)}
    monkeypatch.setattr(stream_checks, "topic_offsets", lambda _: behind)
    settings = Settings()
    lake = lake_assets(maker.lake.root, hourly_partitions(settings.first_hour))
    asked = dg.materialize(
        [*KAFKA_ASSETS, *lake, *stream_checks.stream_checks(settings)],
        selection=dg.AssetSelection.checks(LAG_CHECKS["scan_tickets"], QUARANTINE_RATE_CHECK),
        resources={"lake": LakeResource(uri=maker.lake.root)},
        instance=instance,
    )
    said = {each.check_name: (each.passed, each.severity) for each in asked.get_asset_check_evaluations()}
    warning = (False, dg.AssetCheckSeverity.WARN)
    assert said == {"lag": warning, "quarantine_rate": warning}
    assert asked.success
