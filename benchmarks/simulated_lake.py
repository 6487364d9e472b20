"""A lake as left by the stream and maintenance, written without Kafka and Spark: one file per event type and hour."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final

from deltalake import DeltaTable, write_deltalake

from benchmarks.lake_rows import rows_of
from benchmarks.messages import Message
from simulator.run import plan_run, simulate
from simulator.scenario import load_scenario
from streaming.lake.create_table import TABLE_PROPERTIES
from streaming.lake.layout import PARTITION_COLUMNS
from streaming.lake.reader import Lake
from streaming.lake.schema import LAKE_SCHEMA

#: Messages of a commit: about a day of `stable` at one venue.
_COMMIT: Final = 170_000


class LakeSink:
    """A sink that commits its messages to a lake, without gaps between offsets."""

    def __init__(self, lake: Lake, arrived: datetime) -> None:
        """Create the table of ``lake``; Kafka's timestamp of every message will be ``arrived``."""
        self._table_uri = lake.table_uri
        self._arrived = arrived
        self._messages: list[Message] = []
        self._next_offsets: defaultdict[tuple[str, int], int] = defaultdict(int)
        properties: dict[str, str | None] = dict(TABLE_PROPERTIES)
        DeltaTable.create(lake.table_uri, LAKE_SCHEMA, partition_by=list(PARTITION_COLUMNS), configuration=properties)

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        """Take one message."""
        self._messages.append((topic, value))
        if len(self._messages) >= _COMMIT:
            self.flush()

    def poll(self) -> None:
        """Do nothing: no message is in flight."""

    def flush(self) -> None:
        """Commit what has been sent so far."""
        if self._messages:
            rows = rows_of(self._messages, self._next_offsets, self._arrived)
            write_deltalake(self._table_uri, rows, mode="append", partition_by=list(PARTITION_COLUMNS))
            self._messages.clear()


def simulate_into(lake: Lake, scenario: str, start: datetime, hours: int) -> int:
    """Create ``lake`` with a run of ``hours`` hours at one venue and return the number of its messages."""
    sink = LakeSink(lake, arrived=start + timedelta(hours=hours))
    run = plan_run(load_scenario(scenario), hours=hours, start=start, run_id="measured", drain=False)
    summary = simulate(run, sink)
    sink.flush()
    return summary.total
