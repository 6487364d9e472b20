"""The rows that the fast engine's tables consist of; times and durations are microseconds."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulator.events import ACTIVITY_TYPES

#: A table's rows, or another array.
Rows = NDArray[Any]

#: One row of a table, as numba's functions take it.
Row = Any

_INT: Final = "i8"


def _row(*names: str) -> np.dtype[Any]:
    return np.dtype([(name, _INT) for name in names])


#: A venue. Lines are rows of their table, one after the other; so are its unused draws that break ties.
VENUE: Final = _row(
    *("hour_end", "inside", "closed", "next_bus", "price", "sequence"),
    *("one_line", "sellers", "seller_lines", "seller_ties", "scanners", "scanner_lines", "scanner_ties"),
)

#: A bus and the rows of its groups; the row after a venue's last bus is the time from which no bus arrives.
BUS: Final = _row("time", "bus_id", "first_visitor", "people", "is_last", "groups", "groups_end")

#: A group: who, what was drawn for it, and how far it is. ``scans`` is the row of its first member's scan.
GROUP: Final = _row(
    *("venue", "arrived_at", "bus_id", "group_id", "first_visitor", "people", "buys"),
    *("walk_to_sellers", "walk_to_scanners", "sale", "scans"),
    *("stage", "set_off", "served", "line", "moment"),
)

#: A visitor's scan.
SCAN: Final = _row("duration", "begins")

#: A line, or the server of one line that all share.
LINE: Final = _row("length", "free_at")

#: A scheduled event; ``what`` is a group's row or, below 0, of a venue (see ``machine``).
SCHEDULED: Final = _row("time", "order", "what")

#: A message to send, whose ``group`` is the row of its group or bus; or an hour to close, whose kind is ``CLOSING`` and
#: whose ``line`` says whether it is the last.
ENTRY: Final = _row("kind", "venue", "group", "began", "ended", "first_visitor", "people", "line")

#: What receipts say, of a venue and a type, and of a venue; see ``receipts.Tally`` and ``receipts.Ledger``.
TALLY: Final = _row("count", "duration_us", "companions", "companion_us", "content")
SUMS: Final = _row("revenue_cents", "time_in_system_us")

#: The kinds of entries: the places of ``ACTIVITY_TYPES``, and that of an hour to close.
(
    BUS_ARRIVAL,
    WALK_TO_SELLER,
    WAIT_IN_SELLER_LINE,
    BUY_TICKETS,
    WALK_TO_SCANNER,
    WAIT_IN_SCANNER_LINE,
    SCAN_TICKETS,
) = range(len(ACTIVITY_TYPES))
CLOSING: Final = len(ACTIVITY_TYPES)

#: The stages of a group, in their order.
WALKS_TO_SELLERS: Final = 0
WAITS_FOR_SELLER: Final = 1
BUYS: Final = 2
WALKS_TO_SCANNERS: Final = 3
IS_SCANNED: Final = 4
IS_IN: Final = 5
