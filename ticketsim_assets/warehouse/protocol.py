"""The warehouse as the graph needs it, whatever the engine: replace hours of a raw table, read, serve readers.

`ticketsim_assets.warehouse.duckdb_warehouse` is the laptop's, `ticketsim_assets.warehouse.bigquery_warehouse` the
cloud's; which one is used is chosen in `ticketsim_assets.warehouse.factory`.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from streaming.hour import Hour


class Result(Protocol):
    """What a query found, as Python's database API has it (PEP 249)."""

    @property
    def description(self) -> Sequence[Any]:
        """One sequence per column, its name first."""

    def fetchall(self) -> list[Any]:
        """All rows, as tuples."""


class Reader(Protocol):
    """A connection that reads. Times are UTC, with or without a zone that says so."""

    def execute(self, query: str, parameters: Any = None, /) -> Result:
        """Ask ``query``, whose question marks stand for ``parameters``, in SQL that both engines understand."""

    def named(self, table: str) -> str:
        """What a query calls ``table``, a schema and a name: ``marts.agg_venue_hourly``."""

    def has(self, table: str) -> bool:
        """Whether ``table``, or a view of that name, is there."""


class Warehouse(Protocol):
    """One engine. Every method leaves each table as it was or changed as a whole."""

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold the warehouse alone, so that a process of one's own (dbt) may write to it.

        Raises:
            WarehouseBusy: somebody else has held it for longer than is waited for.
        """

    def replace_hours(self, table: str, files: Mapping[Hour, Sequence[str]]) -> dict[Hour, int]:
        """Replace whole hours of raw table ``table`` in one transaction.

        Args:
            table: ``events`` or ``quarantine``.
            files: per hour, where its Parquet files are, with event_type, event_date and event_hour in the path; an
                hour without files becomes empty.

        Returns:
            Rows per hour, after copies with the same event_id were left out: of several, the one that the broker took
            first stays.

        Raises:
            WarehouseBusy: somebody else has held it for longer than is waited for.
        """

    def reading(self) -> AbstractContextManager[Reader]:
        """A connection to what runs wrote last; closed at the end.

        Raises:
            WarehouseBusy: somebody else has held it for longer than is waited for.
        """

    def published(self) -> AbstractContextManager[Reader]:
        """A connection to what `publish` has shown; it holds nobody up, and is closed at the end.

        Raises:
            WarehouseUnreadable: nothing was published yet.
        """

    def publish(self) -> None:
        """Show readers the warehouse as it is now; whoever reads at this moment goes on undisturbed."""
