"""The warehouse as the graph needs it: replace hours of a raw table, read, give readers a copy. DuckDB's version."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb
from filelock import FileLock, Timeout

from streaming.hour import Hour
from streaming.layout import Column
from ticketsim_assets.exceptions import WarehouseBusy
from ticketsim_assets.warehouse_schema import DUCKDB_TYPES, RAW_TABLES, create_statements

#: Longer than an hourly run; a backfill of a month that takes longer is better asked to come back.
WAIT_SECONDS: Final = 300.0

#: Which of several copies of a row stays: the first that the broker took.
_FIRST_COPY = {
    "events": "qualify row_number() over (partition by event_id order by kafka_partition, kafka_offset) = 1",
    "quarantine": "",
}


def _type_in_files(column: Column) -> str:
    """DuckDB's type of a column of the lake's files, whose times have a zone."""
    return "TIMESTAMP WITH TIME ZONE" if column.type == "timestamp" else DUCKDB_TYPES[column.type]


class DuckDBWarehouse:
    """A DuckDB file with one writer at a time; while it writes, readers use a copy."""

    def __init__(self, path: Path, readers_path: Path) -> None:
        """Use the file ``path``, which need not exist yet, and the copy ``readers_path``."""
        self.path = path
        self.readers_path = readers_path

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the warehouse alone, against other processes of this project as well.

        Raises:
            WarehouseBusy: another process has held it for longer than WAIT_SECONDS.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.path.with_suffix(".lock"), timeout=WAIT_SECONDS):
                yield
        except Timeout:
            raise WarehouseBusy(
                f"another run has held {self.path} for {WAIT_SECONDS:.0f} s. Wait for it to end, or end it."
            ) from None

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that may write, with the raw tables in place; closed at the end, so that dbt can open the file.

        Raises:
            WarehouseBusy: a process outside of this project, a notebook say, has the file open.
        """
        with self.exclusive():
            try:
                connection = duckdb.connect(self.path)
            except duckdb.IOException as error:
                raise WarehouseBusy(f"{self.path} is open elsewhere. Close it and try again. ({error})") from error
            try:
                for statement in create_statements():
                    connection.execute(statement)
                yield connection
            finally:
                connection.close()

    def replace_hours(self, table: str, files: Mapping[Hour, Sequence[str]]) -> dict[Hour, int]:
        """Replace whole hours of raw table ``table`` in one transaction.

        Args:
            table: ``events`` or ``quarantine``.
            files: per hour, where its Parquet files are, with event_type, event_date and event_hour in the path; an
                hour without files becomes empty.

        Returns:
            Rows per hour, after copies with the same event_id were left out.
        """
        columns = ", ".join(column.name for column in RAW_TABLES[table])
        selected = ", ".join(
            f"make_timestamp(epoch_us({column.name}))" if column.type == "timestamp" else column.name
            for column in RAW_TABLES[table]
        )
        # Files of an earlier release lack columns that the contract has gained since.
        nothing = ", ".join(f"null::{_type_in_files(column)} as {column.name}" for column in RAW_TABLES[table])
        insert = f"""
            insert into raw.{table} ({columns})
            select {selected} from (
                (select {nothing} limit 0)
                union all by name
                (from read_parquet(
                    ?, hive_partitioning = true, union_by_name = true,
                    hive_types = {{'event_type': varchar, 'event_date': date, 'event_hour': int}}
                ))
            ) {_FIRST_COPY[table]}
        """  # noqa: S608 names come from our own layout
        rows: dict[Hour, int] = {}
        with self.writing() as connection:
            connection.begin()
            for hour, paths in files.items():
                connection.execute(
                    f"delete from raw.{table} where event_date = ? and event_hour = ?",  # noqa: S608
                    [hour.date, hour.start.hour],
                )
                inserted = connection.execute(insert, [list(paths)]).fetchall()[0][0] if paths else 0
                rows[hour] = int(inserted)
            connection.commit()
        return rows

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection to what runs wrote last, not to the copy; closed at the end."""
        with self.exclusive():
            connection = duckdb.connect(self.path, read_only=True)
            try:
                yield connection
            finally:
                connection.close()

    def publish(self) -> None:
        """Replace the readers' copy by the warehouse as it is now, at once for whoever opens it next."""
        with self.exclusive():
            arriving = self.readers_path.with_suffix(".arriving")
            shutil.copyfile(self.path, arriving)
            arriving.replace(self.readers_path)
