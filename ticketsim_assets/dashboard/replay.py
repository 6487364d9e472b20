"""The days that the page plays back: every group's way from the bus to the gate, as the warehouse's facts tell it.

A day is replayed from durations alone: when a bus came, how long each group walked and was served, and which lines it
joined. Who waits how long follows, and follows again under another staffing, since all of that was settled when the
bus came. ``dashboard/src/replay/model.ts`` is the venue that does so.

Durations lie between *moments* that are rounded, so their errors do not add up along a line: a group is served when it
has joined and the group before it has gone, and that is as true of rounded moments as of exact ones. Where it is not
what happened (a line that stood there before the day began, hours that are missing, moments that rounding has made
one), the service is listed with its moment.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from heapq import heapreplace
from itertools import accumulate, groupby, pairwise
from typing import Any, Final, NamedTuple

from simulator.arrivals import BOX_OFFICE
from simulator.events import HOUR_US
from ticketsim_assets.dashboard.hours import EPOCH
from ticketsim_assets.warehouse.protocol import Reader

JOURNEYS_TABLE: Final = "marts.fct_visitor_journeys"
STAFF_TABLE: Final = "marts.dim_venues"

#: Moments on the page are whole numbers of this.
RESOLUTION_US: Final = 10_000

#: Each is about four bytes of the page; days beyond are left out.
MOST_VISITORS: Final = 250_000

_DAY_US: Final = 24 * HOUR_US
_MICROSECOND: Final = timedelta(microseconds=1)

# One row per group. A visitor's date is that of admission, which may be the day after the one of arrival.
_GROUPS: Final = """
select
    venue_id, bus_id, arrived_at, channel,
    max(walk_to_seller_us), max(wait_in_seller_line_us), max(buy_tickets_us), max(seller_line),
    max(walk_to_scanner_us), max(scanner_line),
    array_agg(wait_in_scanner_line_us order by first_visitor_id),
    array_agg(scan_tickets_us order by first_visitor_id),
    array_agg(party_size order by first_visitor_id)
from {journeys}
where run_id = ? and event_date in ({dates}) and is_complete and ({of_days})
group by venue_id, bus_id, arrived_at, channel, group_id
order by venue_id, arrived_at, bus_id, group_id
"""

_STAFF: Final = """
select venue_id, sellers, scanners from {} where run_id = ? and sellers is not null and scanners is not null
"""


class Group(NamedTuple):
    """Visitors who stay together; durations are microseconds."""

    bus_id: int
    arrived_us: int  #: since the day's midnight: negative for those who were there before
    buys: bool  #: whether it buys at the venue; if not, what concerns the sellers is 0
    walk_to_seller: int
    wait_at_seller: int
    sale: int
    seller_line: int
    walk_to_scanner: int
    scanner_line: int
    waits_at_scanner: Sequence[int]  #: of each scan
    scans: Sequence[int]
    admits: Sequence[int]  #: visitors whom each scan admits


@dataclass(frozen=True, slots=True)
class ReplayDay:
    """All groups that arrived on a venue's day, or were still there when it began, and were admitted by the next."""

    venue_id: str
    day: datetime  #: its midnight, aware
    sellers: int
    scanners: int
    groups: tuple[Group, ...]  #: in the order of arrival


@dataclass(frozen=True, slots=True)
class Column:
    """Whole numbers, packed into as many bits each as the largest takes, the lowest bit first."""

    count: int
    bits: int
    least: int  #: what each is less than its value
    packed: bytes


@dataclass(frozen=True, slots=True)
class PackedDay:
    """A day as the page holds it; moments are counted from ``zero_us``, in steps of the resolution."""

    zero_us: int  #: microseconds since the epoch
    begins: int  #: moment at which the day begins
    shared: bool  #: whether visitors stood in one line for all sellers, and in one for all scanners
    columns: Mapping[str, Column]


def busiest_and_newest(hours: Mapping[str, Sequence[int]], run: int) -> list[tuple[int, int]]:
    """Return the days to replay of each venue of a run, as position of the venue and days since the epoch.

    Args:
        hours: ``run``, ``venue``, ``hour`` and ``visitors_arrived``, as ``Marts.venue_hours`` has them.
        run: Position of the run.

    Returns:
        First the newest day of each venue, then the busiest ones, as many as have MOST_VISITORS visitors together.
    """
    arrived: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    columns = (hours[name] for name in ("run", "venue", "hour", "visitors_arrived"))
    for of_run, venue, hour, visitors in zip(*columns, strict=True):
        if of_run == run and visitors > 0:
            arrived[venue][hour // 24] += visitors
    newest = [(venue, max(days)) for venue, days in sorted(arrived.items())]
    busiest = [(venue, max(days, key=lambda day: (days[day], day))) for venue, days in sorted(arrived.items())]
    wanted = list(dict.fromkeys([*newest, *busiest]))
    so_far = accumulate(arrived[venue][day] for venue, day in wanted)
    return [place for place, visitors in zip(wanted, so_far, strict=True) if visitors <= MOST_VISITORS]


def read_replay(reader: Reader, run_id: str, days: Sequence[tuple[str, datetime]]) -> tuple[ReplayDay, ...]:
    """Read days of a run, given as venue and midnight (UTC, aware), in one query; a missing table counts as empty.

    Journeys of which a part is missing are left out, and so are venues that have not said how many serve there.
    """
    if not days or not (reader.has(JOURNEYS_TABLE) and reader.has(STAFF_TABLE)):
        return ()
    dates = sorted({(day + timedelta(days=after)).date() for _, day in days for after in (0, 1)})
    of_days = " or ".join("(venue_id = ? and event_date >= ? and event_date <= ? and arrived_at < ?)" for _ in days)
    parameters: list[Any] = [run_id, *dates]
    for venue_id, day in days:
        after = day + timedelta(days=1)
        parameters += [venue_id, day.date(), after.date(), after.replace(tzinfo=None)]
    query = _GROUPS.format(journeys=reader.named(JOURNEYS_TABLE), dates=", ".join("?" * len(dates)), of_days=of_days)
    rows: dict[str, list[Sequence[Any]]] = defaultdict(list)
    for venue_id, *row in reader.execute(query, parameters).fetchall():
        rows[venue_id].append(row)
    staff = {
        venue_id: (sellers, scanners)
        for venue_id, sellers, scanners in reader.execute(_STAFF.format(reader.named(STAFF_TABLE)), [run_id]).fetchall()
    }
    found = (
        _replay_day(venue_id, day, staff[venue_id], tuple(_groups_of(day, rows[venue_id])))
        for venue_id, day in days
        if venue_id in staff
    )
    return tuple(day for day in found if day.groups)


def _replay_day(venue_id: str, day: datetime, staff: tuple[int, int], groups: tuple[Group, ...]) -> ReplayDay:
    """Return the day with as many sellers and scanners as were told, and at least one for each line that was seen."""
    sellers = max((group.seller_line for group in groups), default=0)
    scanners = max((group.scanner_line for group in groups), default=0)
    return ReplayDay(venue_id, day, max(staff[0], sellers), max(staff[1], scanners), groups)


def pack(day: ReplayDay, resolution_us: int) -> PackedDay:
    """Return the groups of a day as columns of whole steps of ``resolution_us``."""
    zero = min(0, day.groups[0].arrived_us // resolution_us * resolution_us)

    def moment(us: int) -> int:
        return (us - zero + resolution_us // 2) // resolution_us

    ways = [_Way.of(group, moment) for group in day.groups]
    begins = moment(0)
    buyers = [(way.seller_joined, way.group.seller_line, [way.sale]) for way in ways if way.group.buys]
    all_scans = [(way.scanner_joined, way.group.scanner_line, way.scans) for way in ways]
    buses = [list(of_bus) for _, of_bus in groupby(ways, key=lambda way: (way.arrived, way.group.bus_id))]
    arrivals = [of_bus[0].arrived for of_bus in buses]
    columns = {
        "busGap": [now - before for before, now in pairwise([0, *arrivals])],
        "busGroups": [len(of_bus) for of_bus in buses],
        "size": [len(way.scans) for way in ways],
        "buys": [int(way.group.buys) for way in ways],
        "walkToSeller": [way.seller_joined - way.arrived for way in ways if way.group.buys],
        "sale": [end - begin for _, _, [(begin, end)] in buyers],
        "sellerLine": [line for _, line, _ in buyers],
        "walkToScanner": [way.scanner_joined - way.set_off for way in ways],
        "scannerLine": [line for _, line, _ in all_scans],
        "scan": [end - begin for way in ways for begin, end in way.scans],
        "admits": [admits for way in ways for admits in way.group.admits],
    }
    shared = max(day.sellers, day.scanners) > 1 and all(line == 1 for _, line, _ in (*buyers, *all_scans))
    for name, services, servers in (("seller", buyers, day.sellers), ("scanner", all_scans, day.scanners)):
        listed = list(_not_by_the_rule(services, servers if shared else 1, begins))
        columns |= {f"{name}Listed": [which for which, _ in listed], f"{name}Begins": [begin for _, begin in listed]}
    midnight_us = (day.day - EPOCH) // _MICROSECOND
    return PackedDay(midnight_us + zero, begins, shared, {name: _packed(values) for name, values in columns.items()})


class _Way(NamedTuple):
    """A group's moments: each service from its begin to its end."""

    group: Group
    arrived: int
    seller_joined: int
    sale: tuple[int, int]
    set_off: int  #: to the scanners
    scanner_joined: int
    scans: list[tuple[int, int]]

    @classmethod
    def of(cls, group: Group, moment: Callable[[int], int]) -> "_Way":
        seller_joined = group.arrived_us + group.walk_to_seller
        sale_began = seller_joined + group.wait_at_seller
        set_off = sale_began + group.sale  # when the bus came, if nothing is bought
        joined = set_off + group.walk_to_scanner
        scans = [
            (moment(joined + wait), moment(joined + wait + scan))
            for wait, scan in zip(group.waits_at_scanner, group.scans, strict=True)
        ]
        sale = (moment(sale_began), moment(set_off))
        return cls(group, moment(group.arrived_us), moment(seller_joined), sale, moment(set_off), moment(joined), scans)


def _not_by_the_rule(
    parties: Sequence[tuple[int, int, Sequence[tuple[int, int]]]], servers: int, day_begins: int
) -> Iterator[tuple[int, int]]:
    """Yield the services that must be listed: position, counted over all parties, and begin.

    The rule is that of ``simulator.queues``: first come, first served. Listed is what it does not give, and what began
    before the day, which no other staffing can change.

    Args:
        parties: When each joined, which line, and the begin and end of each member's service.
        servers: How many serve a line.
        day_begins: Moment at which the day begins.
    """
    free_at: dict[int, list[int]] = defaultdict(lambda: [0] * servers)
    first = [0, *accumulate(len(services) for _, _, services in parties)]
    for which in sorted(range(len(parties)), key=lambda which: parties[which][0]):
        joined, line, services = parties[which]
        free = free_at[line]
        for member, (begin, end) in enumerate(services):
            if begin != max(joined, free[0]) or begin < day_begins:
                yield first[which] + member, begin
            heapreplace(free, max(free[0], end))


def _groups_of(day: datetime, rows: Sequence[Sequence[Any]]) -> Iterator[Group]:
    """Yield the groups of a venue's rows, in the columns of _GROUPS, that came on ``day`` or were still there then."""
    for bus_id, arrived_at, channel, walk, wait, sale, line, *at_scanners in rows:
        arrived_us = (arrived_at.replace(tzinfo=UTC) - day) // _MICROSECOND
        if arrived_us >= _DAY_US:
            continue
        sellers = (True, walk, wait, sale, line) if channel == BOX_OFFICE else (False, 0, 0, 0, 0)
        group = Group(bus_id, arrived_us, *sellers, *at_scanners)
        way = arrived_us + group.walk_to_seller + group.wait_at_seller + group.sale + group.walk_to_scanner
        if way + group.waits_at_scanner[-1] + group.scans[-1] >= 0:
            yield group


def _packed(values: Sequence[int]) -> Column:
    import numpy as np  # noqa: PLC0415 - Dagster reads this package at every start

    least = min(values, default=0)
    bits = (max(values, default=0) - least).bit_length()
    each = (np.array(values, dtype=np.int64)[:, np.newaxis] - least) >> np.arange(bits) & 1
    return Column(len(values), bits, least, np.packbits(each.astype(np.uint8), bitorder="little").tobytes())


def packed_day(day: ReplayDay, resolution_us: int = RESOLUTION_US) -> dict[str, Any]:
    """Return what the page embeds of ``day``, to be encoded as JSON: bytes become base64."""
    return {
        "venue": day.venue_id,
        "day": (day.day - EPOCH).days,
        "sellers": day.sellers,
        "scanners": day.scanners,
        **asdict(pack(day, resolution_us)),
    }


def replay_head(days: Sequence[ReplayDay]) -> dict[str, Any]:
    """Return what the page embeds of all ``days``, to be encoded as JSON."""
    return {"stepUs": RESOLUTION_US, "days": [packed_day(day) for day in days]}
