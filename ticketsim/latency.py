"""How long messages take from one station to the next: quantiles over the newest hours that were loaded.

Every time is one that a station has recorded: the event's own, the broker's timestamp, the commit of the lake,
Dagster's record of the first load behind it, and of the first page behind that. A run whose event times are not the
wall clock's, because it was as fast as possible or began in the past, has no latency from event to broker: its way
begins there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final, Literal

import duckdb
import pyarrow as pa
from dagster import DagsterInstance

from simulator.events import EventType
from streaming.hour import Hour
from streaming.lake.commit_search import first_version_from, oldest_version
from streaming.lake.duckdb_files import FILES, able_to_read, query_files
from streaming.lake.layout import QUARANTINE
from streaming.lake.reader import Lake, Snapshot
from ticketsim.exceptions import NoWarehouse
from ticketsim.records import open_instance
from ticketsim_assets.hours.run_history import first_materialized_after, materializations
from ticketsim_assets.keys import DASHBOARD, RAW_EVENTS
from ticketsim_assets.settings import Settings

#: Hours that are looked at if none are named, and at most.
DEFAULT_HOURS: Final = 24
MOST_HOURS: Final = 168

#: Commits whose entries of the log are read; a stream with its default trigger makes 720 a day.
MOST_COMMITS: Final = 2_000

#: Receipts have the time of their hour's end, whenever they are sent.
_UNCOUNTED: Final = frozenset({QUARANTINE, EventType.HOUR_CLOSED})

StationName = Literal["event", "broker", "lake", "warehouse", "page"]

_STATIONS: Final[tuple[StationName, ...]] = ("event", "broker", "lake", "warehouse", "page")

#: Event time that runs as the broker's clock does and is at most an hour behind it is the wall clock's.
_MESSAGES: Final = f"""
with messages as (
    select
        run_id,
        event_date,
        event_hour,
        epoch_us(event_time) as event_us,
        epoch_us(kafka_timestamp) as broker_us,
        epoch_us(ingested_at) as read_us
    from {FILES}
    where epoch_us(ingested_at) > ?
),

runs as (
    select
        run_id,
        coalesce(
            regr_slope(event_us / 1e6 - 1.7e9, broker_us / 1e6 - 1.7e9) between 0.9 and 1.1
            and median(broker_us - event_us) between -60e6 and 3600e6,
            false
        ) as is_real_time
    from messages
    group by run_id
),

committed as (
    select messages.*, runs.is_real_time, commits.at_us as lake_us
    from messages
    inner join runs on messages.run_id = runs.run_id
    asof inner join commits on messages.read_us <= commits.at_us
),

loaded as (
    select committed.*, loads.at_us as warehouse_us
    from committed
    asof left join loads
        on
            committed.event_date = loads.event_date
            and committed.event_hour = loads.event_hour
            and committed.lake_us <= loads.at_us
),

shown as (
    select loaded.*, pages.at_us as page_us
    from loaded
    asof left join pages on loaded.warehouse_us <= pages.at_us
)
"""  # noqa: S608 our own text


@dataclass(frozen=True, slots=True)
class Latency:
    """Quantiles of the time from one station to another, in seconds."""

    since: StationName
    station: StationName
    messages: int  #: that have come so far
    p50_s: float | None  #: None without messages
    p95_s: float | None


@dataclass(frozen=True, slots=True)
class Latencies:
    """The latencies of some hours."""

    hours: tuple[Hour, ...]
    messages: int
    left_out: int  #: messages whose commits the log no longer has, or beyond ``MOST_COMMITS``
    other_runs: tuple[str, ...]  #: whose event times are not the wall clock's
    hops: tuple[Latency, ...]  #: from each station to the next
    totals: tuple[Latency, ...]  #: from the event to each station; from the broker if no run has the wall clock's times


def measure_latencies(settings: Settings, first: Hour | None = None, last: Hour | None = None) -> Latencies:
    """Measure the hours from ``first`` to ``last`` that were loaded, by default the newest ones.

    Args:
        settings: Where the stations are.
        first: First hour; None: as many as are looked at.
        last: Last hour, included; None: the newest.

    Raises:
        NoLake: There is no lake.
        NoWarehouse: None of the hours was loaded.
    """
    lake = Lake(settings.lake)
    snapshot = lake.snapshot()
    with open_instance(settings) as instance:
        hours = _loaded_hours(instance, snapshot, first, last) if instance else []
        if instance is None or not hours:
            raise NoWarehouse(
                "No hour with events was loaded in that range. Run `ticketsim materialize --due`, or name other hours."
            )
        loads = _loads(instance, hours)
        pages = _pages(instance, sorted(at for _, at in loads))
    return _measure(lake, snapshot, hours, loads, pages)


def _loaded_hours(instance: DagsterInstance, snapshot: Snapshot, first: Hour | None, last: Hour | None) -> list[Hour]:
    keys = instance.get_materialized_partitions(RAW_EVENTS)
    with_events = {file.hour for file in snapshot.files() if file.event_type not in _UNCOUNTED}
    loaded = sorted({Hour.from_key(key) for key in keys} & with_events)
    chosen = [hour for hour in loaded if (first is None or first <= hour) and (last is None or hour <= last)]
    return chosen[-(DEFAULT_HOURS if first is None else MOST_HOURS) :]


def _loads(instance: DagsterInstance, hours: Sequence[Hour]) -> list[tuple[Hour, datetime]]:
    found = materializations(instance, RAW_EVENTS, hours)
    return [(Hour.from_key(str(key)), load.at) for key, loads in found.items() for load in loads]


def _pages(instance: DagsterInstance, loads: Sequence[datetime]) -> list[datetime]:
    """Return when the first page behind each of ``loads``, in order, was built."""
    pages: list[datetime] = []
    for load in loads:
        if not pages or pages[-1] < load:
            page = first_materialized_after(instance, DASHBOARD, load)
            if page is None:
                break
            pages.append(page.at)
    return pages


def _measure(
    lake: Lake, snapshot: Snapshot, hours: Sequence[Hour], loads: list[tuple[Hour, datetime]], pages: list[datetime]
) -> Latencies:
    of_hours = [file for hour in hours for file in snapshot.files(hour) if file.event_type not in _UNCOUNTED]
    files = [snapshot.uri(file) for file in of_hours]
    known_after, commits = _commits(lake, snapshot, files)
    with able_to_read(duckdb.connect(), snapshot.root) as connection:
        connection.register("commits", _moments([{"at_us": at} for at in commits]))
        connection.register("pages", _moments([{"at_us": _us(at)} for at in pages]))
        loaded = [{"event_date": hour.date, "event_hour": hour.start.hour, "at_us": _us(at)} for hour, at in loads]
        connection.register("loads", _moments(loaded))
        connection.execute(f"create temp table shown as {_MESSAGES} from shown", [files, known_after])
        counted = connection.execute("select count(*) from shown").fetchall()[0][0]
        others = connection.execute("select distinct run_id from shown where not is_real_time order by 1").fetchall()
        is_real_time = bool(connection.execute("select 1 from shown where is_real_time limit 1").fetchall())
        start: StationName = "event" if is_real_time else "broker"
        stations = _STATIONS[_STATIONS.index(start) :]
        hops = tuple(_latency(connection, since, station) for since, station in pairwise(stations))
        totals = tuple(_latency(connection, start, station) for station in stations[1:])
    rows = sum(file.rows for file in of_hours)
    return Latencies(tuple(hours), counted, rows - counted, tuple(run_id for (run_id,) in others), hops, totals)


def _latency(connection: duckdb.DuckDBPyConnection, since: StationName, station: StationName) -> Latency:
    taken = f"({station}_us - {since}_us) / 1e6"
    condition = "is_real_time" if since == "event" else "true"
    [(count, p50, p95)] = connection.execute(
        f"select count({taken}), quantile_disc({taken}, 0.5), quantile_disc({taken}, 0.95) from shown where {condition}"  # noqa: S608 our own names
    ).fetchall()
    return Latency(since, station, count, p50, p95)


def _commits(lake: Lake, snapshot: Snapshot, files: Sequence[str]) -> tuple[int, list[int]]:
    """Return when the rows of ``files`` were committed, and since when that is known; microseconds since the epoch."""
    [(first, last)] = query_files(f"select min(ingested_at), max(ingested_at) from {FILES}", files) or [(None, None)]  # noqa: S608
    if first is None:
        return 0, []
    newest = snapshot.version
    oldest = first_version_from(lake, newest, first)
    begin = oldest_version(lake, newest) + 1 if oldest is None else oldest
    end = first_version_from(lake, newest, last)
    begin = max(begin, (newest if end is None else end) - MOST_COMMITS)
    known_after = _us(next(lake.commits(begin - 2, begin - 1)).committed_at) if begin else 0
    commits = []
    for commit in lake.commits(begin - 1, newest):
        if commit.added:
            commits.append(_us(commit.committed_at))
            if commit.committed_at >= last:
                break
    return known_after, commits


_MOMENTS: Final = pa.schema([("event_date", pa.date32()), ("event_hour", pa.int32()), ("at_us", pa.int64())])


def _moments(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=_MOMENTS)


def _us(moment: datetime) -> int:
    return round(moment.astimezone(UTC).timestamp() * 1_000_000)
