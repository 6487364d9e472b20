"""The warehouse as the graph needs it, whatever the engine: replace hours of a raw table, read, serve readers.

`ticketsim_assets.warehouse.duckdb_warehouse` is the laptop's, `ticketsim_assets.warehouse.bigquery_warehouse` the
cloud's; which one is used is chosen in `ticketsim_assets.warehouse.factory`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from streaming.hour import Hour
from streaming.lake.forgotten_runs import ForgottenRun


class Result(Protocol):
    """The result of a query, as in Python's database API (PEP 249)."""

    @property
    def description(self) -> Sequence[Any]:
        """One sequence per column, which begins with its name."""

    def fetchall(self) -> list[Any]:
        """Return all rows, as tuples."""


class Reader(Protocol):
    """A read-only connection. Times are UTC, with or without a time zone."""

    def execute(self, query: str, parameters: Any = None, /) -> Result:
        """Run ``query``, in SQL that both engines understand; question marks stand for ``parameters``."""

    def named(self, table: str) -> str:
        """Return the name of ``table`` in a query; ``table`` is a schema and a name: ``marts.agg_venue_hourly``."""

    def has(self, table: str) -> bool:
        """Return whether there is a table or view ``table``."""


class Hold(Protocol):
    """The warehouse while it is held exclusively."""

    def end_on_loss(self, end: Callable[[], object]) -> None:
        """Call ``end`` as soon as another process may hold the warehouse: it must end whatever writes."""


class Warehouse(Protocol):
    """A warehouse. Every method changes each table as a whole or not at all."""

    @property
    def excludes_readers(self) -> bool:
        """Whether nobody can read, this process included, while `exclusive` is held."""

    def exclusive(self) -> AbstractContextManager[Hold]:
        """Hold the warehouse exclusively, so that a child process (dbt) may write to it.

        Raises:
            WarehouseBusy: Another process held it for longer than the wait policy allows.
        """

    def replace_hours(
        self, table: str, files: Mapping[Hour, Sequence[str]], forgotten: Sequence[ForgottenRun] = ()
    ) -> dict[Hour, int]:
        """Replace whole hours of raw table ``table`` in one transaction.

        Args:
            table: Either ``events`` or ``quarantine``.
            files: The Parquet files of each hour, with event_type, event_date and event_hour in the path; an
                hour without files becomes empty.
            forgotten: The runs whose events are left out; the same transaction writes them into ``forgotten_runs``.

        Returns:
            The rows per hour, without copies of the same run, venue and event_id: of several, the one with the lowest
            offset stays. Copies of events with other contents go into ``conflicting_copies``, in the same transaction.

        Raises:
            WarehouseBusy: Another process held it for longer than the wait policy allows.
        """

    def reading(self) -> AbstractContextManager[Reader]:
        """Open a connection to what runs have written last, and close it at the end.

        Raises:
            WarehouseBusy: Another process held it for longer than the wait policy allows.
        """

    def published(self) -> AbstractContextManager[Reader]:
        """Open a connection to what was published last, without blocking writers, and close it at the end.

        Whenever it is asked, figures of raw, facts, aggregates and reconciliation are of the same load of each hour.

        Raises:
            WarehouseUnreadable: Nothing has been published yet.
        """

    def publish(self, under_way: Callable[[], Collection[Hour]] = tuple) -> None:
        """Publish the warehouse's present state to readers at once; queries in progress are not disturbed.

        Args:
            under_way: Asked while nobody can load: the hours that runs are replacing, whose marts may not follow from
                raw.events yet. Of these readers see nothing of the present state.

        Raises:
            WarehouseBusy: Another process held it for longer than the wait policy allows.
        """
