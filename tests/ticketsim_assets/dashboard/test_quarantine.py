"""What is in quarantine is read by the hour and the rule that is broken."""

from collections.abc import Callable
from datetime import timedelta

from tests.ticketsim_assets.dashboard.conftest import NOON, NOON_HOUR
from ticketsim_assets.dashboard.quarantine import QUARANTINE_TABLE, Quarantine, read_quarantine
from ticketsim_assets.warehouse.duckdb_connection import DuckDBReader


def test_messages_are_added_up_over_topics(reader: DuckDBReader, fill: Callable) -> None:
    rows = [
        (NOON + timedelta(hours=1), "a", "wrong_topic", 4),
        (NOON, "a", "wrong_topic", 1),
        (NOON, "b", "wrong_topic", 2),
        (NOON, "b", "malformed_json", 9),
    ]
    fill(QUARANTINE_TABLE, "hour_start timestamp, topic varchar, reason varchar, messages bigint", rows)
    assert read_quarantine(reader) == Quarantine(
        ("malformed_json", "wrong_topic"), [NOON_HOUR, NOON_HOUR, NOON_HOUR + 1], [0, 1, 1], [9, 3, 4]
    )


def test_a_warehouse_without_the_mart_has_none(reader: DuckDBReader) -> None:
    assert read_quarantine(reader) == Quarantine()
