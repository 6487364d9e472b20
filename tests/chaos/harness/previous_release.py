"""What the release before left: a lake whose receipts have neither digest nor sums, in a table without these columns.

That is all in which a lake of 0.1 differs: the records of offsets without a record and of forgotten runs are tables and
files of their own, which a new lake does not have either.
"""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from simulator.digest import DIGEST
from simulator.sinks.protocol import Sink

#: Fields of receipts that this release has added to the contract.
ADDED = (DIGEST, "visitors", "visitor_us", "revenue_cents", "time_in_system_us")


class SinkOfBefore:
    """Sends what the simulator of before would have sent."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.poll, self.flush = sink.poll, sink.flush

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        message = json.loads(value)
        if DIGEST in message:
            of_before = {name: field for name, field in message.items() if name not in ADDED}
            value = json.dumps(of_before, separators=(",", ":")).encode()
        self._sink.send(topic, key, value)


def take_columns_out(table: Path, spark: SparkSession) -> None:
    """Rewrite a Delta table that nobody writes as if it had never had the columns; ``spark`` must not remember them."""
    for path in table.glob("event_type=*/**/*.parquet"):
        rows = pq.read_table(path, partitioning=None)
        assert all(rows[name].null_count == len(rows) for name in ADDED), "there are values, which would be lost"
        pq.write_table(rows.drop_columns([*ADDED]).replace_schema_metadata(None), path)
        path.with_name(f".{path.name}.crc").unlink(missing_ok=True)
    for entry in table.glob("_delta_log/*.json"):
        actions = [_action_of_before(json.loads(line), table) for line in entry.read_text().splitlines()]
        entry.write_text("".join(json.dumps(action) + "\n" for action in actions))
        for checksum in (entry.with_suffix(".crc"), entry.with_name(f".{entry.name}.crc")):
            checksum.unlink(missing_ok=True)
    spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()


def _action_of_before(action: dict[str, Any], table: Path) -> dict[str, Any]:
    if "metaData" in action:
        schema = json.loads(action["metaData"]["schemaString"])
        schema["fields"] = [field for field in schema["fields"] if field["name"] not in ADDED]
        action["metaData"]["schemaString"] = json.dumps(schema)
    if "add" in action:
        action["add"]["size"] = (table / action["add"]["path"]).stat().st_size
    return action
