"""What only DuckDB's warehouse does: wait for its file, serve readers from a copy, survive a kill."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from streaming.hour import Hour
from ticketsim_assets.exceptions import WarehouseBusy, WarehouseUnreadable
from ticketsim_assets.warehouse.duckdb_warehouse import DuckDBWarehouse
from ticketsim_assets.warehouse.wait_policy import NO_WAIT, WaitPolicy

from ..conftest import START, hour_of

FIRST = Hour.containing(START)

#: Opens the file by itself, as a notebook would.
NOTEBOOK = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"

#: Holds the warehouse as a run does.
RUN = """
import sys
from pathlib import Path
from ticketsim_assets.warehouse.wait_policy import NO_WAIT
from ticketsim_assets.warehouse.duckdb_warehouse import DuckDBWarehouse
with DuckDBWarehouse(Path(sys.argv[1]), Path("none"), NO_WAIT).exclusive():
    print("open", flush=True)
    sys.stdin.read()
"""

#: Commits into the log beside the file, and is killed before the log is written into it.
KILLED_WRITER = """
import duckdb, os, signal, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("create table raw.committed as select 42 as answer")
connection.execute("begin; create table raw.uncommitted as select 43 as answer")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def loaded(maker, run_messages, tmp_path: Path) -> DuckDBWarehouse:
    """A warehouse with the first hour of a run."""
    maker.append(run_messages)
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb", tmp_path / "readers.db", NO_WAIT)
    load(maker, warehouse, FIRST)
    return warehouse


def load(maker, warehouse: DuckDBWarehouse, hour: Hour) -> None:
    snapshot = maker.lake.snapshot()
    warehouse.replace_hours("events", {hour: [snapshot.uri(f) for f in snapshot.files(hour)]})


def count(path: Path) -> int:
    with duckdb.connect(path, read_only=True) as connection:
        return connection.execute("select count(*) from raw.events").fetchall()[0][0]


def other_process(code: str, *arguments: object) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "open\n"
    return process


@pytest.mark.slow
@pytest.mark.parametrize("code", [NOTEBOOK, RUN])
def test_who_holds_the_file_and_for_how_long_it_is_waited_is_said_at_once_and_again_at_the_end(loaded, code):
    said: list[str] = []
    patient = DuckDBWarehouse(loaded.path, loaded.readers_path, WaitPolicy(1, said.append))
    with other_process(code, loaded.path) as holder:
        with (
            pytest.raises(WarehouseBusy, match=rf"held by process {holder.pid} .* after 1 s.*end it"),
            patient.reading(),
        ):
            pass
        [told] = said
        assert told.startswith(f"{loaded.path} is held by process {holder.pid} (")
        assert told.endswith("waiting up to 1 s")
        holder.stdin.close()
    with patient.reading() as connection:
        assert connection.execute("select count(*) > 0 from raw.events").fetchall() == [(True,)]


def test_a_file_that_becomes_free_is_opened_without_an_error(loaded):
    said: list[str] = []

    def end_it(sentence: str) -> None:
        said.append(sentence)
        holder.stdin.close()

    with (
        other_process(RUN, loaded.path) as holder,
        DuckDBWarehouse(loaded.path, loaded.readers_path, WaitPolicy(30, end_it)).reading(),
    ):
        assert len(said) == 1


def test_a_file_that_is_no_database_is_refused_with_the_cure(tmp_path: Path):
    path = tmp_path / "warehouse.duckdb"
    path.write_bytes(b"not a database" * 1000)
    with (
        pytest.raises(
            WarehouseUnreadable, match=r"Cannot open the warehouse .*warehouse\.duckdb .*reload it from the lake"
        ),
        DuckDBWarehouse(path, tmp_path / "readers.db", NO_WAIT).reading(),
    ):
        pass


def test_readers_keep_their_copy_through_loads_and_publishing_and_the_next_reader_sees_what_came(
    loaded, maker, run_messages
):
    loaded.publish()
    first = sum(hour_of(m) == FIRST for m in run_messages)
    code = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); print('open', flush=True); "
        "sys.stdin.readline(); print(c.execute('select count(*) from raw.events').fetchall()[0][0])"
    )
    with other_process(code, loaded.readers_path) as reader:
        load(maker, loaded, FIRST.next)
        loaded.publish()
        load(maker, loaded, FIRST)
        loaded.publish()
        assert reader.communicate("\n")[0] == f"{first}\n"
    assert count(loaded.readers_path) > first


def test_hours_under_way_are_published_as_they_were_in_raw_and_marts_and_all_others_as_they_are(
    loaded, maker, run_messages
):
    def change(statement: str) -> None:
        with duckdb.connect(loaded.path) as connection:
            connection.execute(statement)

    def published() -> tuple[list, list]:
        with duckdb.connect(loaded.readers_path, read_only=True) as connection:
            raw = "select event_hour, count(*) from raw.events group by 1 order by 1"
            return connection.execute(raw).fetchall(), connection.execute("from marts.mart order by 1").fetchall()

    start, date = FIRST.start.replace(tzinfo=None), FIRST.date
    change(
        f"create schema marts; create table marts.mart as select timestamp '{start}' as hour_start, "
        f"date '{date}' as event_date, 'as published' as said"
    )
    loaded.publish()
    of_first, _ = published()
    change("delete from raw.events where event_type = 'scan_tickets'; update marts.mart set said = 'half built'")
    load(maker, loaded, FIRST.next)
    change(f"insert into marts.mart values (timestamp '{FIRST.next.start.replace(tzinfo=None)}', '{date}', 'new')")
    loaded.publish(lambda: {FIRST})
    raw, marts = published()
    assert raw[0] == of_first[0]
    assert [hour for hour, _ in raw] == [FIRST.start.hour, FIRST.next.start.hour]
    assert [row[-1] for row in marts] == ["as published", "new"]
    loaded.publish(lambda: {FIRST, FIRST.next})
    assert published() == (raw, marts)
    loaded.publish()
    assert [row[-1] for row in published()[1]] == ["half built", "new"]
    assert published()[0][0] < of_first[0]


def test_an_hour_under_way_that_was_never_published_is_left_out(loaded):
    loaded.publish(lambda: {FIRST})
    assert count(loaded.readers_path) == 0


def test_which_hours_are_under_way_is_asked_while_nobody_can_load(loaded, maker):
    def ask() -> set[Hour]:
        with pytest.raises(WarehouseBusy):
            load(maker, DuckDBWarehouse(loaded.path, loaded.readers_path, NO_WAIT), FIRST.next)
        return set()

    loaded.publish(ask)


def test_what_a_killed_writer_committed_reaches_the_readers_and_nothing_else_does(loaded):
    killed = subprocess.run([sys.executable, "-c", KILLED_WRITER, loaded.path], check=False)
    assert killed.returncode == -9
    loaded.publish()
    with duckdb.connect(loaded.readers_path, read_only=True) as connection:
        assert connection.execute("select answer from raw.committed").fetchall() == [(42,)]
        with pytest.raises(duckdb.CatalogException, match="uncommitted"):
            connection.execute("from raw.uncommitted")


def test_nobody_can_begin_to_write_while_the_copy_is_made(loaded, monkeypatch):
    writer = "import duckdb, sys; duckdb.connect(sys.argv[1])"
    outcomes = []

    def copy_and_try(source: Path, destination: Path) -> None:
        outcomes.append(subprocess.run([sys.executable, "-c", writer, source], capture_output=True, check=False))

    monkeypatch.setattr("shutil.copyfile", copy_and_try)
    with pytest.raises(FileNotFoundError):  # the copy that was not made
        loaded.publish()
    assert b"Conflicting lock" in outcomes[0].stderr
