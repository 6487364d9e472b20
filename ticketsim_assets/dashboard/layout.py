"""What the page's file holds of the marts: a head in JSON, and all columns of figures in one base64 text.

A browser reads each column as a typed array over the decoded bytes: nothing is parsed figure by figure.
``dashboard/src/layout.ts`` is the reader; VERSION changes with whatever it would misread.
"""

import base64
import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from ticketsim_assets.dashboard.bins import CHANNELS, STAGES
from ticketsim_assets.dashboard.data import ACTIVITIES, HOURLY_DAYS, MEASURES, Marts
from ticketsim_assets.dashboard.details import DETAILS
from ticketsim_assets.dashboard.hours import RECENT_DAYS
from ticketsim_assets.dashboard.journeys import STEPS
from ticketsim_assets.dashboard.occupancy import OCCUPANCY_DAYS

VERSION: Final = 2

#: Every column begins at a multiple of the longest element.
_ALIGNMENT: Final = 8

#: Codes of arrays of unsigned integers, and their first value too large. Beyond them is the float of a browser, which
#: is exact to 2**53.
_INTEGERS: Final = {"B": 1 << 8, "H": 1 << 16, "I": 1 << 32}

#: What the reader calls the arrays.
_NAMES: Final = {"B": "u1", "H": "u2", "I": "u4", "d": "f8"}


class _Columns:
    """Columns of figures, one behind the other."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def table(self, columns: Mapping[str, Sequence[int]]) -> dict[str, Any]:
        """Append the columns of a table; return where they are."""
        rows = len(next(iter(columns.values())))
        return {"rows": rows, "columns": {name: self._append(values) for name, values in columns.items()}}

    def counted(self, columns: Mapping[str, Sequence[int]], counts: Sequence[str]) -> tuple[dict[str, Any], ...]:
        """Append a table in two, because most of its columns say the same row by row.

        Args:
            columns: The table, ordered by all columns but ``counts``.
            counts: Its columns that differ row by row.

        Returns:
            Where the groups are, each with the position of its first row in ``at``, and where the rows are.
        """
        keys = [name for name in columns if name not in counts]
        grouped = list(zip(*(columns[name] for name in keys), strict=True))
        first = [i for i, key in enumerate(grouped) if i == 0 or key != grouped[i - 1]]
        groups = {name: [columns[name][i] for i in first] for name in keys}
        return self.table({**groups, "at": first}), self.table({name: columns[name] for name in counts})

    def _append(self, values: Sequence[int]) -> dict[str, Any]:
        # hours since the epoch are six digits, hours since the first one are few
        lowest, highest = min(values, default=0), max(values, default=0)
        code = next((code for code, limit in _INTEGERS.items() if highest - lowest < limit), "d")
        plus = 0 if code == "d" or 0 <= lowest <= highest < _INTEGERS[code] else lowest
        column = array(code, values if plus == 0 else (value - plus for value in values))
        if sys.byteorder == "big":
            column.byteswap()
        self._bytes.extend(bytes(-len(self._bytes) % _ALIGNMENT))
        place = {"type": _NAMES[code], "at": len(self._bytes), "plus": plus}
        self._bytes.extend(column.tobytes())
        return place

    def base64(self) -> str:
        return base64.b64encode(self._bytes).decode()


def encode(marts: Marts) -> tuple[dict[str, Any], str]:
    """Return the head, to be encoded as JSON, and the columns that it says the places of, little-endian in base64."""
    columns = _Columns()
    tables = {"venueHours": columns.table(marts.venue_hours), "receipts": columns.table(marts.receipts)}
    tables["quarantine"] = columns.table(marts.quarantine.columns)
    for name, detail in DETAILS.items():
        if detail.bins:
            tables[name], tables[detail.bins] = columns.counted(marts.details[name], ("bin", "visitors"))
        else:
            tables[name] = columns.table(marts.details[name])
    head = {
        "version": VERSION,
        "hourlyDays": HOURLY_DAYS,
        "activities": [asdict(activity) for activity in ACTIVITIES],
        "measures": MEASURES,
        "runs": marts.runs,
        "venues": marts.venues,
        "latestRun": marts.latest_run,
        "stages": STAGES,
        "channels": CHANNELS,
        "steps": STEPS,
        "recentDays": RECENT_DAYS,
        "occupancyDays": OCCUPANCY_DAYS,
        "reasons": marts.quarantine.reasons,
        "edges": marts.edges,
        "ended": [{"run": run, "venue": venue} for run, venue in marts.ended],
        "offending": marts.offending,
        "figures": marts.figures,
        "problems": marts.offending_figures,
        "missing": marts.missing,
        "tables": tables,
    }
    return head, columns.base64()
