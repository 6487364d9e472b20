"""The sensors' cursors: how far each has read the lake and Kafka, as small JSON."""

from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec

from ticketsim_assets.hours.due import DueHour

if TYPE_CHECKING:
    from dagster import DagsterInstance

#: Version of an hour that is pending although none of its data changed: that of its last report.
AS_REPORTED: Final = -1

#: The name under which the instance keeps the cursor of the command line's ticks.
COMMAND_LINE_CURSOR: Final = "ticketsim/command_line_watch"


class PendingHour(msgspec.Struct, frozen=True):
    """An hour with rows that was not complete at the last tick."""

    version: int  #: newest Delta version that changed data in the hour, or AS_REPORTED
    committed_at: float  #: when it changed, or a run of it was forgotten, in seconds since the Unix epoch


class Offer(msgspec.Struct, frozen=True):
    """A run offered to another launcher, in the terms of Dagster's GraphQL API."""

    job: str
    first: str  #: partition keys
    last: str
    run_key: str
    tags: dict[str, str]


class LakeCursor(msgspec.Struct):
    """How far the lake has been read; hours by their partition key."""

    version: int = -1
    pending: dict[str, PendingHour] = {}
    due: dict[str, DueHour] = {}
    quarantine: dict[str, DueHour] = {}
    unreported: dict[str, list[str]] = {}
    open_reported_at: float = 0.0
    early_rows: int = 0
    first_hour: datetime | None = None  #: start of the first partition at the last tick
    forgotten: dict[str, str] = {}  #: revision of what was decided about runs, as far as their hours are taken up
    #: First loads for Airflow to launch, as of the last tick; None where the sensor launches them itself. Airflow reads
    #: them over GraphQL, from the sensor's state.
    offered: list[Offer] | None = None

    @classmethod
    def from_json(cls, text: str | None) -> "LakeCursor":
        """Read a cursor; an empty one is a fresh start."""
        return msgspec.json.decode(text, type=cls) if text else cls()

    def to_json(self) -> str:
        """Write the cursor."""
        return msgspec.json.encode(self).decode()


class KafkaCursor(msgspec.Struct):
    """What the Kafka sensor has reported."""

    version: int = -1  #: of the lake, when the rate of quarantined messages was last checked
    lagging: list[str] = []  #: event types whose topic was reported with a warning
    lag_reported_at: float = 0.0  #: seconds since the Unix epoch

    @classmethod
    def from_json(cls, text: str | None) -> "KafkaCursor":
        """Read a cursor; an empty one is a fresh start."""
        return msgspec.json.decode(text, type=cls) if text else cls()

    def to_json(self) -> str:
        """Write the cursor."""
        return msgspec.json.encode(self).decode()


def newest_cursor(instance: "DagsterInstance") -> LakeCursor | None:
    """Return the cursor of the last tick, by the sensor or by the command line; None if there was none."""
    stored = instance.daemon_cursor_storage.get_cursor_values({COMMAND_LINE_CURSOR})
    texts = [text for text in stored.values() if text]
    for state in instance.all_instigator_state():
        cursor = getattr(state.instigator_data, "cursor", None)
        if state.instigator_name == "lake" and cursor:
            texts.append(cursor)
    return max((LakeCursor.from_json(text) for text in texts), key=lambda cursor: cursor.version, default=None)
