"""The warehouse in a DuckDB file, for laptops."""

import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import duckdb
from filelock import FileLock, Timeout

from streaming.hour import Hour
from streaming.lake.duckdb_files import HIVE_TYPES, able_to_read
from streaming.lake.forgotten_runs import ForgottenRun
from streaming.lake.layout import Column
from ticketsim_assets.warehouse.duckdb_connection import DuckDBReader, open_duckdb
from ticketsim_assets.warehouse.kept_hours import keep_hours
from ticketsim_assets.warehouse.schema import (
    CONFLICTING_COPIES,
    DUCKDB_TYPES,
    FILLED_FROM,
    FIRST_COPY,
    FORGOTTEN_RUNS,
    RAW_TABLES,
    create_statements,
    forgotten_rows,
)
from ticketsim_assets.warehouse.wait_policy import WaitPolicy, own_command


def _type_in_files(column: Column) -> str:
    """Return DuckDB's type of a column in the lake's files, whose times have a time zone."""
    return "TIMESTAMP WITH TIME ZONE" if column.type == "timestamp" else DUCKDB_TYPES[column.type]


#: The rows of files, which their footers tell.
_ROWS_OF_FILES: Final = "select count(*) from read_parquet(?, hive_partitioning = false, union_by_name = true)"

_THAT_COUNT: Final = f"where run_id not in (select run_id from raw.{FORGOTTEN_RUNS})"  # noqa: S608 our own text


def _insert(target: str, table: str) -> str:
    """Return the statement that fills ``raw.target`` from files of raw table ``table``."""
    columns = ", ".join(column.name for column in RAW_TABLES[table])
    selected = ", ".join(
        f"make_timestamp(epoch_us({column.name}))" if column.type == "timestamp" else column.name
        for column in RAW_TABLES[table]
    )
    # Files of an earlier release lack columns that the contract has gained since.
    nothing = ", ".join(f"null::{_type_in_files(column)} as {column.name}" for column in RAW_TABLES[table])
    return f"""
        insert into raw.{target} ({columns})
        select {selected} from (
            (select {nothing} limit 0)
            union all by name
            (from read_parquet(
                ?, hive_partitioning = true, union_by_name = true,
                hive_types = {HIVE_TYPES}
            ))
        ) {_THAT_COUNT if table == "events" else ""} {FIRST_COPY[target]}
    """  # noqa: S608 names come from our own layout


def _count(connection: duckdb.DuckDBPyConnection, statement: str, paths: Sequence[str]) -> int:
    """Run ``statement`` on files and return the number that it answers."""
    return int(connection.execute(statement, [list(paths)]).fetchall()[0][0])


def _write_forgotten(connection: duckdb.DuckDBPyConnection, runs: Sequence[ForgottenRun]) -> None:
    connection.execute(f"delete from raw.{FORGOTTEN_RUNS}")  # noqa: S608 our own name
    for run_id, forgotten_at, *figures in forgotten_rows(runs):
        naive = forgotten_at.astimezone(UTC).replace(tzinfo=None)
        connection.execute(f"insert into raw.{FORGOTTEN_RUNS} values (?, ?, ?, ?, ?)", [run_id, naive, *figures])  # noqa: S608


class _FileHold:
    """A lock of the operating system, which nobody loses. A `Hold`."""

    def end_on_loss(self, end: Callable[[], object]) -> None:
        """Never call ``end``; see `Hold`."""


class DuckDBWarehouse:
    """A DuckDB file with one writer at a time; while it writes, readers use a copy. A `Warehouse`."""

    #: DuckDB has one writer, which excludes readers in other processes; dbt is one.
    excludes_readers: Final = True

    def __init__(self, path: Path, readers_path: Path, wait_policy: WaitPolicy) -> None:
        """Use the file ``path``, which need not exist yet, and the copy ``readers_path``."""
        self.path = path
        self.readers_path = readers_path
        self._wait_policy = wait_policy
        self._holder = path.with_suffix(".holder")

    @contextmanager
    def exclusive(self) -> Iterator["_FileHold"]:
        """Hold the file alone, against other processes of this project; see `Warehouse`.

        The lock is a file beside it, because DuckDB's own lock could not be handed over to dbt.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path.with_suffix(".lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            self._wait_policy.waiting(self.path, self._who_holds())
            try:
                lock.acquire(timeout=self._wait_policy.seconds)
            except Timeout:
                raise self._wait_policy.exhausted(self.path, self._who_holds()) from None
        try:
            self._holder.write_text(f"process {os.getpid()} ({own_command()}) since {datetime.now(UTC):%H:%M:%S} UTC")
            yield _FileHold()
        finally:
            self._holder.unlink(missing_ok=True)
            lock.release()

    def _who_holds(self) -> str:
        return self._holder.read_text() if self._holder.exists() else "another process"

    @contextmanager
    def _writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open a connection for writing, with the raw tables in place."""
        with self.exclusive(), open_duckdb(self.path, read_only=False, wait_policy=self._wait_policy) as connection:
            for statement in create_statements():
                connection.execute(statement)
            yield connection

    def replace_hours(
        self, table: str, files: Mapping[Hour, Sequence[str]], forgotten: Sequence[ForgottenRun] = ()
    ) -> dict[Hour, int]:
        """Delete and insert whole hours in one transaction; see `Warehouse`."""
        rows: dict[Hour, int] = {}
        # Only where runs are forgotten their ids are read once more.
        rows_of_files = f"{_ROWS_OF_FILES} {_THAT_COUNT}" if forgotten else _ROWS_OF_FILES
        with self._writing() as connection:
            connection.begin()
            if table == "events":
                _write_forgotten(connection, forgotten)
            for hour, paths in files.items():
                for filled in FILLED_FROM[table]:
                    connection.execute(
                        f"delete from raw.{filled} where event_date = ? and event_hour = ?",  # noqa: S608
                        [hour.date, hour.start.hour],
                    )
                rows[hour] = 0
                if paths:
                    able_to_read(connection, paths[0])
                    rows[hour] = _count(connection, _insert(table, table), paths)
                    # Reading the files again costs as much as the load; hardly any hour has copies.
                    if table == "events" and rows[hour] < _count(connection, rows_of_files, paths):
                        connection.execute(_insert(CONFLICTING_COPIES, table), [list(paths)])
            connection.commit()
        return rows

    @contextmanager
    def reading(self) -> Iterator[DuckDBReader]:
        """Open a read-only connection to the file itself, not to the copy; see `Warehouse`."""
        with self.exclusive(), open_duckdb(self.path, read_only=True, wait_policy=self._wait_policy) as connection:
            yield DuckDBReader(connection)

    @contextmanager
    def published(self) -> Iterator[DuckDBReader]:
        """Open a read-only connection to the copy; see `Warehouse`."""
        with open_duckdb(self.readers_path, read_only=True, wait_policy=self._wait_policy) as connection:
            yield DuckDBReader(connection)

    def publish(self, under_way: Callable[[], Collection[Hour]] = tuple) -> None:
        """Replace the readers' copy atomically; readers who have the old one open keep it.

        Hours under way are copied as they were published last.
        """
        with self.exclusive():
            kept = under_way()
            if self.path.with_name(f"{self.path.name}.wal").exists():
                # a writer was killed: what it committed is in its log until the file is opened for writing
                with open_duckdb(self.path, read_only=False, wait_policy=self._wait_policy):
                    pass
            arriving = self.readers_path.with_suffix(".arriving")
            # open meanwhile, so that nobody outside of this project begins to write
            with open_duckdb(self.path, read_only=True, wait_policy=self._wait_policy):
                shutil.copyfile(self.path, arriving)
            if kept:
                with open_duckdb(arriving, read_only=False, wait_policy=self._wait_policy) as connection:
                    keep_hours(connection, kept, self.readers_path if self.readers_path.exists() else None)
            arriving.replace(self.readers_path)
