from datetime import UTC, datetime, timedelta

import pyarrow as pa
from deltalake import write_deltalake

from streaming.lake.committed_offsets import next_offsets
from streaming.lake.losses import Loss, Losses
from streaming.lake.reader import Lake

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def commit(lake: Lake, *rows: tuple[str, str, int, int], at: datetime = NOON) -> None:
    names = ("event_type", "topic", "kafka_partition", "kafka_offset")
    table = pa.Table.from_pylist([{**dict(zip(names, row, strict=True)), "ingested_at": at} for row in rows])
    write_deltalake(lake.table_uri, table, mode="append", partition_by=["event_type"])


def test_without_a_lake_nothing_is_committed(tmp_path):
    assert next_offsets(Lake(str(tmp_path)), Losses()) == {}


def test_the_next_offset_is_one_past_the_largest_of_each_partition_wherever_its_rows_are_filed(tmp_path):
    lake = Lake(str(tmp_path))
    commit(lake, ("a", "t.a", 0, 5), ("a", "t.a", 1, 900), ("b", "t.b", 0, 7))
    commit(lake, ("quarantine", "t.a", 0, 8), ("quarantine", "t.b", 2, 0), ("b", "t.b", 0, 8))
    commit(lake, ("a", "t.a", 0, 6), ("a", "t.a", 0, 7))
    assert next_offsets(lake, Losses()) == {"t.a/0": 9, "t.a/1": 901, "t.b/0": 9, "t.b/2": 1}


def test_files_that_cannot_hold_a_larger_offset_are_not_read(tmp_path):
    lake = Lake(str(tmp_path))
    commit(lake, ("a", "t.a", 0, 1))
    old = next((tmp_path / "events").rglob("*.parquet"))
    commit(lake, ("a", "t.a", 0, 2))
    old.unlink()
    assert next_offsets(lake, Losses()) == {"t.a/0": 3}


def test_after_a_recorded_loss_only_the_rows_of_the_new_log_count(tmp_path):
    lake = Lake(str(tmp_path))
    commit(lake, ("a", "t.a", 0, 500), ("a", "t.a", 1, 900))
    old = next((tmp_path / "events").rglob("*.parquet"))
    later = NOON + timedelta(hours=1)
    losses = Losses.of([Loss("t.a", p, 501, None, 2, later, later, 0, "x", "y", "") for p in (0, 1)])
    assert next_offsets(lake, losses) == {"t.a/0": 2, "t.a/1": 2}
    commit(lake, ("a", "t.a", 0, 2), ("a", "t.b", 0, 7), at=later)
    old.unlink()  # its rows are all older than the loss, as its statistics say
    assert next_offsets(lake, losses) == {"t.a/0": 3, "t.a/1": 2, "t.b/0": 8}
