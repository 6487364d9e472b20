"""A line for each hour that is complete and proved, as the readers' copy of the warehouse shows it after a run."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb

from ticketsim_assets.exceptions import AssetsError
from ticketsim_assets.warehouse.duckdb_connection import open_duckdb
from ticketsim_assets.warehouse.wait_policy import NO_WAIT

_PROVED: Final = """
select run_id, hour_start, count(distinct venue_id)
from marts.reconciliation_hourly
group by all
having bool_and(state = 'proved')
order by hour_start, run_id
"""

# The wait that 95 % of visitors do not exceed: a group waits at the sellers as often as it has visitors.
_HOUR: Final = """
with

ranked as (
    select
        wait_us,
        sum(party_size) over (order by wait_us) as up_to,
        sum(party_size) over () as visitors
    from marts.fct_queue_waits
    where run_id = $run and hour_start = $hour and stage = 'seller'
)

select
    (select coalesce(sum(visitors_arrived), 0) from marts.agg_venue_hourly where run_id = $run and hour_start = $hour),
    (select min(wait_us) from ranked where up_to >= 0.95 * visitors),
    (select max(ingested_at) from raw.events where run_id = $run and event_time >= $hour and event_time < $next_hour)
"""


class HourNews:
    """What is new in the readers' copy since this was created."""

    def __init__(self, readers: Path) -> None:
        """Take the hours that ``readers`` holds now as known; the file need not exist yet."""
        self._readers: Final = readers
        self._known: set[tuple[str, datetime]] = set()
        self._published_ns = 0
        self._take_as_known = True
        self.lines()
        self._take_as_known = False

    def lines(self) -> list[str]:
        """Return a line for each hour that has been proved since the last call."""
        try:
            published_ns = self._readers.stat().st_mtime_ns
            if published_ns == self._published_ns:
                return []
            with open_duckdb(self._readers, read_only=True, wait_policy=NO_WAIT) as connection:
                proved = connection.execute(_PROVED).fetchall()
                news = [] if self._take_as_known else [row for row in proved if row[:2] not in self._known]
                published_at = datetime.fromtimestamp(published_ns / 1e9, UTC)
                lines = [_line(connection, published_at, *row) for row in news]
        except (OSError, AssetsError, duckdb.Error):
            return []  # not there yet, being replaced, or without marts: the next look will do
        self._published_ns = published_ns
        self._known |= {row[:2] for row in proved}
        return lines


def _line(
    connection: duckdb.DuckDBPyConnection, published_at: datetime, run_id: str, hour: datetime, venues: int
) -> str:
    asked = {"run": run_id, "hour": hour, "next_hour": hour + timedelta(hours=1)}
    [(visitors, p95_us, came_at)] = connection.execute(_HOUR, asked).fetchall()
    waited = "nobody bought on site" if p95_us is None else f"95 % waited up to {p95_us / 60e6:.1f} min at the sellers"
    seconds = (published_at - came_at.replace(tzinfo=UTC)).total_seconds()
    of_venues = f"{venues} {'venue' if venues == 1 else 'venues'}"
    return (
        f"{hour:%d %b %H:%M} complete: {of_venues}, {visitors:,} visitors, {waited}; "
        f"proved {max(0, seconds):,.0f} s after its last message"
    )
