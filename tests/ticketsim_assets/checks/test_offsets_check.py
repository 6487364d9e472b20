import threading
import time
from datetime import timedelta

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from streaming.lake.offset_gaps import GAPS_TABLE
from ticketsim_assets.checks import offsets_check
from ticketsim_assets.checks.offsets_check import verify_offsets

from ..conftest import START


@pytest.fixture
def lake_with_a_gap(maker, run_messages):
    """A lake in which one offset has no row."""
    half = len(run_messages) // 2
    maker.append(run_messages[:half])
    maker.offsets["ticketsim.scan_tickets"] += 1
    maker.append(run_messages[half:])
    return maker


def record_gap_of(maker) -> None:
    rows = maker.table.to_pyarrow_table().filter(pa.compute.field("topic") == "ticketsim.scan_tickets")
    present = set(rows["kafka_offset"].to_pylist())
    [missing] = set(range(max(present))) - present
    row = {"topic": "ticketsim.scan_tickets", "kafka_partition": 0, "first_offset": missing, "end_offset": missing + 1}
    table = pa.Table.from_pylist([row | {"found_at": START + timedelta(hours=1)}])
    table = table.set_column(1, pa.field("kafka_partition", pa.int32()), table["kafka_partition"].cast(pa.int32()))
    write_deltalake(f"{maker.lake.root}/{GAPS_TABLE}", table)


def test_while_a_stream_runs_a_gap_that_it_is_about_to_record_is_waited_for(lake_with_a_gap, instance, monkeypatch):
    maker = lake_with_a_gap
    monkeypatch.setattr(offsets_check, "lease_holder", lambda root: "a stream")
    recording = threading.Timer(0.5, record_gap_of, [maker])
    recording.start()
    assert verify_offsets(instance, maker.lake, maker.lake.snapshot()).sound
    recording.join()


def test_without_a_stream_what_is_missing_is_said_at_once(lake_with_a_gap, instance):
    maker = lake_with_a_gap
    begun = time.monotonic()
    verdict = verify_offsets(instance, maker.lake, maker.lake.snapshot())
    assert "1 offsets between" in " ".join(verdict.problems)
    assert time.monotonic() - begun < offsets_check._GAPS_RECORDED_WITHIN_S


def test_what_a_running_stream_does_not_explain_is_said_in_the_end(lake_with_a_gap, instance, monkeypatch):
    maker = lake_with_a_gap
    monkeypatch.setattr(offsets_check, "lease_holder", lambda root: "a stream")
    monkeypatch.setattr(offsets_check, "_GAPS_RECORDED_WITHIN_S", 1.5)
    assert not verify_offsets(instance, maker.lake, maker.lake.snapshot()).sound
