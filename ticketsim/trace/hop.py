"""A trace: what each station has of one message, in the order of the stations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from streaming.hour import Hour
from streaming.lake.event_search import EventName

StationName = Literal["produced", "kafka", "lake", "quarantine", "warehouse", "marts", "page", "receipt"]


@dataclass(frozen=True, slots=True)
class Hop:
    """What one station has of the message."""

    station: StationName
    found: bool | None  #: None: it cannot be told
    at: datetime | None
    said: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trace:
    """A message's way, hop by hop in the order of the stations."""

    name: EventName
    run_id: str | None  #: None if only its number is known, or its bytes in the quarantine
    venue_id: str | None
    event_type: str | None
    hour: Hour | None  #: in which it is filed
    hops: tuple[Hop, ...]

    @property
    def missing(self) -> StationName | None:
        """The first station that lacks the message."""
        return next((hop.station for hop in self.hops if hop.found is False), None)
