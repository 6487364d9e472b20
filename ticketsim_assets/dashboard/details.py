"""What the page has beside the figures per venue and hour: which of its tables is read from which marts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from ticketsim_assets.dashboard.bins import (
    BINS_TABLE,
    HISTOGRAM_TABLE,
    TIME_IN_SYSTEM_TABLE,
    read_times_in_system,
    read_waits,
)
from ticketsim_assets.dashboard.journeys import JOURNEYS_TABLE, read_journeys
from ticketsim_assets.dashboard.line_hours import LINES_TABLE, read_line_hours
from ticketsim_assets.dashboard.occupancy import OCCUPANCY_TABLE, PEOPLE, read_occupancy, read_occupancy_by_hour
from ticketsim_assets.warehouse.protocol import Reader


@dataclass(frozen=True, slots=True)
class Detail:
    """A table of the page, with ``run``, ``venue`` and ``hour`` in front of ``columns``."""

    columns: tuple[str, ...]
    marts: tuple[str, ...]  #: without one of them the table is empty
    #: Reads the rows, ids first, from a warehouse whose newest day with hours is given.
    read: Callable[[Reader, date], list[tuple[Any, ...]]]
    bins: str = ""  #: the table that ``bin`` and ``visitors`` stand in, if the file has them apart


_WAITS: Final = ("stage", "line", "channel", "bin", "visitors")
_HISTOGRAM: Final = (HISTOGRAM_TABLE, BINS_TABLE)

DETAILS: Final[Mapping[str, Detail]] = {
    "lines": Detail(("stage", "line", "visitors", "busy_us", "servers"), (LINES_TABLE,), read_line_hours),
    "waits": Detail(_WAITS, _HISTOGRAM, read_waits, "waitBins"),
    "timeInSystem": Detail(
        ("channel", "bin", "visitors"), (TIME_IN_SYSTEM_TABLE, BINS_TABLE), read_times_in_system, "timeInSystemBins"
    ),
    "journeys": Detail(("channel", "step", "visitors", "visitor_us"), (JOURNEYS_TABLE,), read_journeys),
    "occupancy": Detail(("slot", *PEOPLE), (OCCUPANCY_TABLE,), read_occupancy),
    "occupancyHours": Detail((*PEOPLE, "people"), (OCCUPANCY_TABLE,), read_occupancy_by_hour),
}

#: All that they are read from.
DETAIL_MARTS: Final = tuple(dict.fromkeys(mart for detail in DETAILS.values() for mart in detail.marts))


def read_details(reader: Reader, newest: date) -> dict[str, list[tuple[Any, ...]]]:
    """Read the rows of every table, of which those are empty whose marts the warehouse does not have."""
    return {
        name: detail.read(reader, newest) if all(map(reader.has, detail.marts)) else []
        for name, detail in DETAILS.items()
    }
