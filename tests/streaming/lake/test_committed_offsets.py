from datetime import UTC, datetime, timedelta

import pyarrow as pa
from deltalake import write_deltalake

from streaming.lake.committed_offsets import committed_spans, next_offsets
from streaming.lake.layout import PARTITION_COLUMNS
from streaming.lake.losses import Loss, Losses
from streaming.lake.offset_gaps import OffsetGap, OffsetGaps
from streaming.lake.reader import Lake
from streaming.offset_span import Span

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def commit(lake: Lake, *rows: tuple[str, str, int, int], at: datetime = NOON) -> None:
    names = ("event_type", "topic", "kafka_partition", "kafka_offset")
    of_all = {"ingested_at": at, "event_date": at.date(), "event_hour": at.hour}
    table = pa.Table.from_pylist([{**dict(zip(names, row, strict=True)), **of_all} for row in rows])
    write_deltalake(lake.table_uri, table, mode="append", partition_by=list(PARTITION_COLUMNS))


def test_without_a_lake_nothing_is_committed(tmp_path):
    assert next_offsets(Lake(str(tmp_path)), Losses(), OffsetGaps()) == {}


def test_the_next_offset_is_one_past_the_largest_of_each_partition_wherever_its_rows_are_filed(tmp_path):
    lake = Lake(str(tmp_path))
    commit(lake, ("a", "t.a", 0, 5), ("a", "t.a", 1, 900), ("b", "t.b", 0, 7))
    commit(lake, ("quarantine", "t.a", 0, 8), ("quarantine", "t.b", 2, 0), ("b", "t.b", 0, 8))
    commit(lake, ("a", "t.a", 0, 6), ("a", "t.a", 0, 7))
    assert next_offsets(lake, Losses(), OffsetGaps()) == {"t.a/0": 9, "t.a/1": 901, "t.b/0": 9, "t.b/2": 1}


def test_files_that_cannot_hold_a_larger_offset_are_not_read(tmp_path):
    lake = Lake(str(tmp_path))
    commit(lake, ("a", "t.a", 0, 1))
    old = next((tmp_path / "events").rglob("*.parquet"))
    commit(lake, ("a", "t.a", 0, 2))
    old.unlink()
    assert next_offsets(lake, Losses(), OffsetGaps()) == {"t.a/0": 3}


def test_after_a_recorded_loss_only_the_rows_of_the_new_log_count(tmp_path):
    lake = Lake(str(tmp_path))
    commit(lake, ("a", "t.a", 0, 500), ("a", "t.a", 1, 900))
    old = next((tmp_path / "events").rglob("*.parquet"))
    later = NOON + timedelta(hours=1)
    losses = Losses.of([Loss("t.a", p, 501, None, 2, later, later, 0, "x", "y", "") for p in (0, 1)])
    assert next_offsets(lake, losses, OffsetGaps()) == {"t.a/0": 2, "t.a/1": 2}
    commit(lake, ("a", "t.a", 0, 2), ("a", "t.b", 0, 7), at=later)
    old.unlink()  # its rows are all older than the loss, as its statistics say
    assert next_offsets(lake, losses, OffsetGaps()) == {"t.a/0": 3, "t.a/1": 2, "t.b/0": 8}


def test_offsets_without_a_record_are_accounted_for_where_they_follow_the_rows_and_where_there_are_none(tmp_path):
    lake = Lake(str(tmp_path))
    commit(lake, ("a", "t.a", 0, 5), ("a", "t.a", 1, 5))
    gaps = OffsetGaps.of(
        OffsetGap("t.a", partition, first, end, NOON)
        for partition, first, end in [(0, 6, 8), (0, 8, 9), (0, 10, 11), (1, 4, 5), (2, 0, 80), (2, 81, 90)]
    )
    assert next_offsets(lake, Losses(), gaps) == {"t.a/0": 9, "t.a/1": 6, "t.a/2": 80}


def test_gaps_of_a_log_that_has_ended_do_not_count_in_the_present_one(tmp_path):
    later = NOON + timedelta(hours=1)
    losses = Losses.of([Loss("t.a", 0, 501, None, 2, later, later, 0, "x", "y", "")])
    gaps = OffsetGaps.of([OffsetGap("t.a", 0, 2, 9, NOON), OffsetGap("t.a", 0, 2, 4, later)])
    assert next_offsets(Lake(str(tmp_path)), losses, gaps) == {"t.a/0": 4}


def test_the_offsets_of_rows_are_told_in_spans_wherever_the_rows_are_filed(tmp_path):
    lake = Lake(str(tmp_path))
    commit(lake, ("a", "t.a", 0, 2), ("a", "t.a", 0, 3), ("quarantine", "t.a", 0, 6), ("quarantine", "t.b", 0, 1))
    commit(lake, ("a", "t.a", 0, 7), ("a", "t.a", 1, 0), ("a", "t.a", 0, 4))
    assert committed_spans(lake, Losses()) == {"t.a/0": [(2, 5), (6, 8)], "t.a/1": [(0, 1)], "t.b/0": [(1, 2)]}


def test_files_that_cannot_hold_the_offsets_of_interest_are_not_read(tmp_path):
    lake = Lake(str(tmp_path))
    commit(lake, ("a", "t.a", 0, 1), ("a", "t.a", 1, 3))
    old = next((tmp_path / "events").rglob("*.parquet"))
    commit(lake, ("a", "t.a", 0, 5), ("a", "t.a", 1, 4))
    old.unlink()
    assert committed_spans(lake, Losses(), {"t.a/0": Span(4, 9), "t.c/0": Span(0, 9)}) == {
        "t.a/0": [(5, 6)],
        "t.a/1": [(4, 5)],
    }


def test_rows_of_a_log_that_has_ended_are_no_rows_of_the_present_one(tmp_path):
    lake = Lake(str(tmp_path))
    later = NOON + timedelta(hours=1)
    commit(lake, ("a", "t.a", 0, 3), ("a", "t.a", 0, 4))
    commit(lake, ("a", "t.a", 0, 4), at=later)
    losses = Losses.of([Loss("t.a", 0, 5, None, 2, later, later, 0, "x", "y", "")])
    assert committed_spans(lake, losses) == {"t.a/0": [(4, 5)]}
