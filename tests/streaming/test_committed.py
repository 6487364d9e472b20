import pyarrow as pa
from deltalake import write_deltalake

from streaming.committed import next_offsets
from streaming.lake import Lake


def commit(lake: Lake, *rows: tuple[str, str, int, int]) -> None:
    names = ("event_type", "topic", "kafka_partition", "kafka_offset")
    table = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows])
    write_deltalake(lake.table_uri, table, mode="append", partition_by=["event_type"])


def test_without_a_lake_nothing_is_committed(tmp_path):
    assert next_offsets(Lake(str(tmp_path))) == {}


def test_the_next_offset_is_one_past_the_largest_of_each_partition_wherever_its_rows_are_filed(tmp_path):
    lake = Lake(str(tmp_path))
    commit(lake, ("a", "t.a", 0, 5), ("a", "t.a", 1, 900), ("b", "t.b", 0, 7))
    commit(lake, ("quarantine", "t.a", 0, 8), ("quarantine", "t.b", 2, 0), ("b", "t.b", 0, 8))
    commit(lake, ("a", "t.a", 0, 6), ("a", "t.a", 0, 7))
    assert next_offsets(lake) == {"t.a/0": 9, "t.a/1": 901, "t.b/0": 9, "t.b/2": 1}


def test_files_that_cannot_hold_a_larger_offset_are_not_read(tmp_path):
    lake = Lake(str(tmp_path))
    commit(lake, ("a", "t.a", 0, 1))
    old = next((tmp_path / "events").rglob("*.parquet"))
    commit(lake, ("a", "t.a", 0, 2))
    old.unlink()
    assert next_offsets(lake) == {"t.a/0": 3}
