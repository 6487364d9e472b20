"""The lake's layout: the location and the columns of its one table, built from the event contract."""

from dataclasses import dataclass
from typing import Final, Literal

from simulator.events import FIELDS, Field

#: The table's folder below the lake's root.
EVENTS_TABLE: Final = "events"

#: The partition value of messages that break the contract.
QUARANTINE: Final = "quarantine"

PARTITION_COLUMNS: Final = ("event_type", "event_date", "event_hour")

ColumnType = Literal["string", "bigint", "int", "timestamp", "boolean", "binary", "date"]

_TYPE_OF_KIND: Final[dict[str, ColumnType]] = {
    "string": "string",
    "int": "bigint",
    "time": "timestamp",
    "bool": "boolean",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the lake's table; ``type`` is the name that Spark SQL and Delta use."""

    name: str
    type: ColumnType
    meaning: str


def _contract_column(field: Field) -> Column:
    return Column(field.name, _TYPE_OF_KIND[field.kind], field.meaning)


#: The message itself: the contract's fields, times as timestamps.
CONTRACT_COLUMNS: Final = tuple(_contract_column(field) for field in FIELDS)

#: The message's position in Kafka and when the stream read it.
KAFKA_COLUMNS: Final = (
    Column("topic", "string", "Kafka topic"),
    Column("kafka_partition", "int", "partition of the topic"),
    Column("kafka_offset", "bigint", "offset in the partition"),
    Column("kafka_timestamp", "timestamp", "when the broker appended the message (LogAppendTime)"),
    Column("ingested_at", "timestamp", "when the stream's batch read the message"),
)

#: Set for messages that break the contract, null for all others.
QUARANTINE_COLUMNS: Final = (
    Column("raw", "binary", "the message's bytes as they came"),
    Column("reason", "string", "the first rule that the message breaks"),
)

#: Where the row is filed: by event_time, or by kafka_timestamp if quarantined.
FILING_COLUMNS: Final = (
    Column("event_date", "date", "UTC date of the hour"),
    Column("event_hour", "int", "UTC hour of the day, 0 to 23"),
)

COLUMNS: Final = CONTRACT_COLUMNS + KAFKA_COLUMNS + QUARANTINE_COLUMNS + FILING_COLUMNS
