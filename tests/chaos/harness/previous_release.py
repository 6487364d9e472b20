"""What the release before this one left: a lake whose receipts have no digest, in a table without its column.

That is all in which a lake of 0.1 differs: the records of losses, of offsets without a record and of forgotten runs are
tables and files of their own, which it does not have either.
"""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from simulator.digest import DIGEST
from simulator.sinks.protocol import Sink


class SinkOfBefore:
    """Sends what the simulator of before would have sent."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.poll, self.flush = sink.poll, sink.flush

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        message = json.loads(value)
        if DIGEST in message:
            del message[DIGEST]
            value = json.dumps(message, separators=(",", ":")).encode()
        self._sink.send(topic, key, value)


def take_digests_out(table: Path, spark: SparkSession) -> None:
    """Rewrite a Delta table that nobody writes as if it had never had the column; ``spark`` must not remember it."""
    for path in table.glob("event_type=*/**/*.parquet"):
        rows = pq.read_table(path, partitioning=None)
        assert rows[DIGEST].null_count == len(rows), "there are digests, which would be lost"
        pq.write_table(rows.drop_columns([DIGEST]).replace_schema_metadata(None), path)
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
        schema["fields"] = [field for field in schema["fields"] if field["name"] != DIGEST]
        action["metaData"]["schemaString"] = json.dumps(schema)
    if "add" in action:
        action["add"]["size"] = (table / action["add"]["path"]).stat().st_size
    return action
