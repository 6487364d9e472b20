"""A tick and a stream that commits while it lasts."""

from datetime import timedelta

import dagster as dg

from streaming.kafka.offsets import TopicOffsets
from streaming.lake.reader import Lake, Snapshot
from ticketsim_assets.automation import sensors
from ticketsim_assets.automation.lake_tick import run_tick
from ticketsim_assets.automation.sensors import kafka_sensor
from ticketsim_assets.checks.stream_checks import QUARANTINE_RATE_CHECK
from ticketsim_assets.hours.cursor import KafkaCursor, LakeCursor
from ticketsim_assets.keys import KAFKA_KEYS
from ticketsim_assets.resources.resources import LakeResource
from ticketsim_assets.settings import Settings


class BusyLake(Lake):
    """A lake to which a stream commits as soon as somebody has opened a snapshot."""

    def __init__(self, root: str, arriving: list) -> None:
        super().__init__(root)
        self.arriving = arriving  #: what commits, one after each opening
        self.opened = 0

    def snapshot(self) -> Snapshot:
        snapshot = super().snapshot()
        self.opened += 1
        if self.arriving:
            self.arriving.pop(0)()
        return snapshot


def test_a_commit_in_the_midst_of_a_tick_is_left_whole_to_the_next_one(maker, run_messages, instance, monkeypatch):
    monkeypatch.setenv("TICKETSIM_BOOTSTRAP", "127.0.0.1:9")
    half = len(run_messages) // 2
    maker.append(run_messages[:half])
    lake = BusyLake(str(maker.root), [lambda: maker.append(run_messages[half:])])

    def tick(cursor):
        return run_tick(Settings(), instance, lake, cursor, first_loads=True, debounce=timedelta(0))

    watched, verdict = tick(LakeCursor())
    assert maker.table.version() == 1, "the commit has landed"
    assert (verdict.state.version, watched.cursor.version) == (0, 0)
    assert {report.metadata["delta_version"].value for report in watched.reports} == {0}
    assert lake.opened == 1
    watched, verdict = tick(watched.cursor)
    assert (verdict.state.version, watched.cursor.version) == (1, 1)
    assert watched.hourly


def test_the_sensor_over_kafka_takes_lag_and_quarantine_from_the_same_version(
    maker, run_messages, instance, monkeypatch
):
    garbage = [("ticketsim.scan_tickets", b"nonsense")]
    maker.append(run_messages[:100])
    lake = BusyLake(str(maker.root), [lambda: maker.append(garbage), lambda: maker.append(garbage)])

    class Opens(LakeResource):
        def open(self) -> Lake:
            return lake

    offsets = {f"ticketsim.{name}/0": TopicOffsets(0, 0) for name in KAFKA_KEYS}
    monkeypatch.setattr(sensors, "topic_offsets", lambda _: offsets)
    run_tick(Settings(), instance, maker.lake, LakeCursor(), first_loads=False, debounce=timedelta(0))

    def tick(cursor: str | None):
        context = dg.build_sensor_context(instance, cursor=cursor, resources={"lake": Opens(uri=lake.root)})
        result = kafka_sensor(Settings())(context)
        [rate] = [e for e in result.asset_events if getattr(e, "check_name", None) == QUARANTINE_RATE_CHECK.name]
        return (
            KafkaCursor.from_json(result.cursor).version,
            sum(record.data["messages"] for record in rate.metadata["hours"].records),
            result.cursor,
        )

    version, quarantined, cursor = tick(None)
    assert (version, quarantined, lake.opened) == (0, 0, 1)
    version, quarantined, _ = tick(cursor)
    assert (version, quarantined, lake.opened) == (1, 1, 2)
