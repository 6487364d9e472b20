import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from simulator.events import EventType
from streaming.contract.validation import validate_batch
from streaming.exceptions import LogGarbled, NoLake
from streaming.hour import Hour
from streaming.lake.layout import PARTITION_COLUMNS
from streaming.lake.reader import Lake, Snapshot

NOW = datetime(2026, 3, 1, 10, 59, tzinfo=UTC)


@pytest.fixture
def append(good, tmp_path):
    """Append messages that ended at some hours, counted from NOW, and one that is quarantined."""

    def append_hours(*hours: int, run_id: str = "run") -> None:
        kind = EventType.BUY_TICKETS
        ended = [round((NOW + timedelta(hours=hour)).timestamp() * 1e6) for hour in hours]
        values = [
            json.dumps(good(kind, number, time) | {"run_id": run_id, "event_id": f"{run_id}-north-{number}"})
            for number, time in enumerate(ended)
        ]
        values.append("{")
        batch = pa.record_batch(
            {
                "topic": [kind.topic] * len(values),
                "value": pa.array([value.encode() for value in values], pa.binary()),
                "partition": pa.array([0] * len(values), pa.int32()),
                "offset": pa.array(range(len(values)), pa.int64()),
                "timestamp": pa.array([NOW] * len(values), pa.timestamp("us", tz="UTC")),
            }
        )
        rows = pa.table(validate_batch(batch, 0))
        write_deltalake(str(tmp_path / "events"), rows, mode="append", partition_by=list(PARTITION_COLUMNS))

    return append_hours


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path))


def whole(lake: Lake) -> Snapshot:
    """Return the table as a new process reads it."""
    return Snapshot.of_table(DeltaTable(lake.table_uri))


def require_the_whole_state(lake: Lake) -> Snapshot:
    snapshot, expected = lake.snapshot(), whole(lake)
    assert (snapshot.version, snapshot.root) == (expected.version, expected.root)
    assert sorted(snapshot.files(), key=str) == sorted(expected.files(), key=str)
    assert snapshot.rows_by_type() == expected.rows_by_type()
    return snapshot


def test_following_the_commits_leads_to_the_state_that_is_read_at_once(append, lake, monkeypatch):
    append(-1, 0)
    earlier = require_the_whole_state(lake)
    known = earlier.files()
    read = Snapshot.of_table
    monkeypatch.setattr(Snapshot, "of_table", lambda table: pytest.fail("the whole state was read again"))

    def require_followed() -> None:
        followed = lake.snapshot()
        with monkeypatch.context() as patch:
            patch.setattr(Snapshot, "of_table", read)
            assert require_the_whole_state(lake) is followed

    append(0, 1, run_id="another-run-with-a-name-of-more-than-32-characters")
    append(-30)
    require_followed()
    DeltaTable(lake.table_uri).optimize.compact()
    append(1)
    require_followed()
    DeltaTable(lake.table_uri).delete("event_hour = 11")
    require_followed()
    DeltaTable(lake.table_uri).restore(1)
    require_followed()
    assert earlier.files() == known, "a snapshot does not change when the table does"


def test_the_runs_of_an_hour_are_told_by_the_statistics_whichever_way_they_were_read(append, lake):
    append(0)
    lake.snapshot()
    append(0, run_id="another-run-with-a-name-of-more-than-32-characters")
    expected = {"run", "another-run-with-a-name-of-more-"}
    assert lake.snapshot().run_id_bounds(Hour.containing(NOW)) == expected
    assert whole(lake).run_id_bounds(Hour.containing(NOW)) == expected


def test_a_table_that_was_recreated_in_the_same_place_is_read_from_the_start(append, lake):
    for _ in range(3):
        append(0)
    lake.snapshot()
    shutil.rmtree(lake.table_uri)
    with pytest.raises(NoLake):
        lake.snapshot()
    for _ in range(4):
        append(1)
    assert require_the_whole_state(lake).version == 3


def test_a_log_that_was_cleaned_up_is_read_from_its_checkpoint(append, lake):
    append(0)
    lake.snapshot()
    append(0)
    append(1)
    DeltaTable(lake.table_uri).create_checkpoint()
    for version in (0, 1):
        (Path(lake.table_uri) / f"_delta_log/{version:020}.json").unlink()
    assert require_the_whole_state(lake).version == 2


@pytest.mark.parametrize("content", ["", "\n", '{"txn":{"appId":"a","version":3}}'])
def test_a_commit_that_does_not_say_when_it_was_made_dates_from_when_its_entry_was_written(append, lake, content):
    append(0)
    entry = Path(lake.table_uri) / f"_delta_log/{1:020}.json"
    entry.write_text(content)
    os.utime(entry, (NOW.timestamp(), NOW.timestamp()))
    [commit] = lake.commits(0, 1)
    assert (commit.committed_at, commit.added, commit.removed) == (NOW, (), ())


def test_a_commit_whose_entry_is_garbled_is_named_with_its_version_and_the_cure(append, lake):
    append(0)
    (Path(lake.table_uri) / f"_delta_log/{1:020}.json").write_text('{"add": {"path"')
    with pytest.raises(LogGarbled, match=r"version 1 of .* 0{19}1\.json is not JSON .*`ticketsim stream --recover`"):
        list(lake.commits(0, 1))
