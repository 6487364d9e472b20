"""Connections to a shared DuckDB file, whose one writer excludes readers in other processes."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_fixed

from ticketsim_assets.exceptions import WarehouseUnreadable
from ticketsim_assets.warehouse.wait_policy import WaitPolicy

#: How DuckDB names the process that holds the lock.
_HOLDER: Final = re.compile(r"held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")


class DuckDBReader:
    """A DuckDB connection as a `Reader`; tables keep their names."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Read with ``connection``, which its owner closes."""
        self._connection = connection

    def execute(self, query: str, parameters: Any = None, /) -> duckdb.DuckDBPyConnection:
        """Run ``query``; see `Reader`."""
        return self._connection.execute(query, parameters)

    def named(self, table: str) -> str:
        """Return ``table`` unchanged; see `Reader`."""
        return table

    def has(self, table: str) -> bool:
        """Return whether the file has ``table``; see `Reader`."""
        found = self._connection.execute(
            "select 1 from information_schema.tables where table_schema = ? and table_name = ?", table.split(".")
        )
        return bool(found.fetchall())


@contextmanager
def open_duckdb(path: Path, *, read_only: bool, wait_policy: WaitPolicy) -> Iterator[duckdb.DuckDBPyConnection]:
    """Connect to the file ``path`` and close the connection at the end; wait while the file is in use.

    Raises:
        WarehouseBusy: Another process kept it open for longer than ``wait_policy`` allows.
        WarehouseUnreadable: It is not a DuckDB database that this version can open.
    """

    def on_progress(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if state.attempt_number == 1 and error is not None:
            wait_policy.waiting(path, _holder(error))

    attempts = Retrying(
        retry=retry_if_exception(_is_locked),
        stop=stop_after_delay(wait_policy.seconds),
        wait=wait_fixed(1),
        before_sleep=on_progress,
        reraise=True,
    )
    try:
        connection = attempts(duckdb.connect, path, read_only=read_only)
    except duckdb.IOException as error:
        if _is_locked(error):
            raise wait_policy.exhausted(path, _holder(error)) from error
        raise WarehouseUnreadable(
            f"Cannot open the warehouse {path} ({error}). Move it away and reload it from the lake."
        ) from error
    try:
        yield connection
    finally:
        connection.close()


def _is_locked(error: BaseException) -> bool:
    return isinstance(error, duckdb.IOException) and "lock" in str(error)


def _holder(error: BaseException) -> str:
    found = _HOLDER.search(str(error))
    return f"process {found['pid']} ({found['program']})" if found else "another process"
