"""Opening a DuckDB file that others use too: it has one writer, which excludes readers in other processes."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_fixed

from ticketsim_assets.exceptions import WarehouseBusy, WarehouseUnreadable

#: How DuckDB names the process that is in the way.
_HOLDER: Final = re.compile(r"held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a file that is in use, and whom to tell."""

    seconds: float
    tell: Callable[[str], object]
    """Gets one sentence, once per wait: who holds the file, and how long it is waited for."""

    def waiting(self, path: Path, holder: str) -> None:
        """Tell that ``path`` is waited for because ``holder`` has it."""
        self.tell(f"{path} is held by {holder}: waiting up to {self.seconds:.0f} s")

    def exhausted(self, path: Path, holder: str) -> WarehouseBusy:
        """The error after waiting in vain."""
        return WarehouseBusy(
            f"{path} is held by {holder}, after {self.seconds:.0f} s of waiting. "
            "Wait until it has ended, or end it, and try again."
        )


#: For who would rather know at once.
IMPATIENT: Final = Patience(0, lambda _: None)


@contextmanager
def open_duckdb(path: Path, *, read_only: bool, patience: Patience) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the file ``path``, closed at the end; a file that is in use is waited for.

    Raises:
        WarehouseBusy: another process has had it open all the time.
        WarehouseUnreadable: it is no DuckDB database that this version can open.
    """

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if state.attempt_number == 1 and error is not None:
            patience.waiting(path, _holder(error))

    attempts = Retrying(
        retry=retry_if_exception(_is_locked),
        stop=stop_after_delay(patience.seconds),
        wait=wait_fixed(1),
        before_sleep=tell,
        reraise=True,
    )
    try:
        connection = attempts(duckdb.connect, path, read_only=read_only)
    except duckdb.IOException as error:
        if _is_locked(error):
            raise patience.exhausted(path, _holder(error)) from error
        raise WarehouseUnreadable(
            f"warehouse {path} cannot be opened ({error}). Move it away and load it anew from the lake."
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
