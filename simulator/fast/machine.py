"""What happens at each event: the processes of ``simulator.venue`` and the lines of ``simulator.queues``, for numba.

Everything is scheduled when SimPy's processes schedule it, and at the same time comes in the same order.
"""

from typing import Final

import numpy as np

from simulator.events import HOUR_US
from simulator.fast.compiled import compiled, inlined
from simulator.fast.heap import pop, push, put, replace_first
from simulator.fast.tables import (
    BUS_ARRIVAL,
    BUY_TICKETS,
    BUYS,
    CLOSING,
    IS_IN,
    IS_SCANNED,
    SCAN_TICKETS,
    WAIT_IN_SCANNER_LINE,
    WAIT_IN_SELLER_LINE,
    WAITS_FOR_SELLER,
    WALK_TO_SCANNER,
    WALK_TO_SELLER,
    WALKS_TO_SCANNERS,
    WALKS_TO_SELLERS,
    Row,
    Rows,
)

# Places in ``clock``.
NOW: Final = 0  #: time of the newest event
SCHEDULED: Final = 1  #: rows of the heap
ORDER: Final = 2  #: number of the next that is scheduled
IS_TAKEN: Final = 3  #: whether the first row of the heap is the event that happens now
PLACES: Final = 4


@compiled
def open_venues(clock: Rows, venues: Rows, buses: Rows, heap: Rows) -> None:
    """Schedule the end of each venue's first hour, and its first bus."""
    for number in range(len(venues)):
        venue = venues[number]
        _schedule(clock, heap, venue.hour_end, _hour_of(number))
        _schedule(clock, heap, buses[venue.next_bus].time, _bus_of(number))


@compiled
def advance(
    clock: Rows,
    until: int,
    horizon: int,
    venues: Rows,
    buses: Rows,
    groups: Rows,
    scans: Rows,
    moments: Rows,
    lines: Rows,
    ties: Rows,
    heap: Rows,
    entries: Rows,
    enough: int,
) -> int:
    """Let happen what is scheduled before ``until``.

    Args:
        clock: See ``NOW`` and the places after it.
        until: Time of the first event that is left.
        horizon: Time from which no bus arrives.
        venues: Rows of ``tables.VENUE``; so are the following those of their tables.
        buses: Buses that arrive before ``until``, and of each venue the next one or its horizon.
        groups: Groups on these buses, and those inside.
        scans: The scans of their members.
        moments: Two rows like those of the heap for each scan, if a venue has one line.
        lines: The lines of all venues.
        ties: Draws from [0, 1) that break ties.
        heap: What is scheduled.
        entries: Where the messages are written, with room for those of a bus and an event beyond ``enough``.
        enough: Number of entries after which the rest is left.

    Returns:
        The number of entries.
    """
    written = 0
    while clock[SCHEDULED] > 0 and heap[0].time < until and written < enough:
        now = heap[0].time
        what = heap[0].what
        clock[NOW] = now
        clock[IS_TAKEN] = 1
        if what >= 0:
            group = groups[what]
            venue = venues[group.venue]
            written = _close_hours(entries, written, venue, group.venue, now)
            written = _step(clock, venue, group, what, scans, moments, lines, ties, heap, entries, written)
            if group.stage == IS_IN:
                venue.inside -= 1
                written = _close_if_done(entries, written, venue, group.venue, now, horizon)
        elif what & 1:
            number = _venue_of(what)
            venue = venues[number]
            bus = buses[venue.next_bus]
            if bus.is_last:
                written = _close_if_done(entries, written, venue, number, now, horizon)
            else:
                written = _close_hours(entries, written, venue, number, now)
                entry = entries[written]
                written += 1
                entry.kind, entry.venue, entry.group = BUS_ARRIVAL, number, venue.next_bus
                entry.began, entry.ended = now, now
                entry.first_visitor, entry.people, entry.line = bus.first_visitor, bus.people, 0
                _unload(clock, venue, bus, groups, heap)
                venue.next_bus += 1
                _schedule(clock, heap, buses[venue.next_bus].time, what)
        else:
            number = _venue_of(what)
            venue = venues[number]
            if not _is_done(venue, now, horizon):
                written = _close_hours(entries, written, venue, number, now)
            if not venue.closed:
                _schedule(clock, heap, venue.hour_end, what)
        if clock[IS_TAKEN]:
            pop(heap, clock[SCHEDULED])
            clock[SCHEDULED] -= 1
            clock[IS_TAKEN] = 0
    return written


@compiled
def _unload(clock: Rows, venue: Row, bus: Row, groups: Rows, heap: Rows) -> None:
    """Let the groups on a bus set off."""
    for number in range(bus.groups, bus.groups_end):
        group = groups[number]
        group.set_off = bus.time
        walk = group.walk_to_sellers
        if group.buys:
            group.stage = WALKS_TO_SELLERS
        else:
            group.stage = WALKS_TO_SCANNERS
            walk += group.walk_to_scanners
        _schedule(clock, heap, bus.time + walk, number)
    venue.inside += bus.groups_end - bus.groups


@inlined
def _step(
    clock: Rows,
    venue: Row,
    group: Row,
    number: int,
    scans: Rows,
    moments: Rows,
    lines: Rows,
    ties: Rows,
    heap: Rows,
    entries: Rows,
    written: int,
) -> int:
    """Take the next step of a group, up to its next wait, and return the number of entries."""
    if group.stage < WALKS_TO_SCANNERS:
        return _step_to_sellers(clock, venue, group, number, lines, ties, heap, entries, written)
    now = clock[NOW]
    if group.stage == WALKS_TO_SCANNERS:
        if venue.one_line:
            _join_one_line(venue, group, now, scans, moments, lines)
        else:
            _join_scanners(venue, group, now, scans, lines, ties)
        for place in range(group.people):
            _write(entries, written, WALK_TO_SCANNER, group, number, group.set_off, now, place, 1)
            written += 1
        group.set_off = now
        group.moment = 0
        group.stage = IS_SCANNED
    while group.moment < 2 * group.people:
        moment, begins, place = _next_moment(venue, group, scans, moments)
        if moment > now:
            _schedule(clock, heap, moment, number)
            return written
        if begins:
            _write(entries, written, WAIT_IN_SCANNER_LINE, group, number, group.set_off, now, place, 1)
        else:
            if not venue.one_line:
                lines[venue.scanner_lines + group.line - 1].length -= 1
            began = scans[group.scans + place].begins
            _write(entries, written, SCAN_TICKETS, group, number, began, now, place, 1)
        written += 1
        group.moment += 1
    group.stage = IS_IN
    return written


@compiled
def _next_moment(venue: Row, group: Row, scans: Rows, moments: Rows) -> tuple[int, bool, int]:
    """Return when the next scan of a group begins or ends, whether it begins, and the member's place."""
    if venue.one_line:
        row = moments[group.scans + (group.moment >> 1), group.moment & 1]
        return row.time, row.order >= group.people, row.what
    place, ends = group.moment >> 1, group.moment & 1
    scan = scans[group.scans + place]
    return scan.begins + ends * scan.duration, ends == 0, place


@inlined
def _step_to_sellers(
    clock: Rows,
    venue: Row,
    group: Row,
    number: int,
    lines: Rows,
    ties: Rows,
    heap: Rows,
    entries: Rows,
    written: int,
) -> int:
    """Take the next step of a group that has no tickets, and return the number of entries."""
    now = clock[NOW]
    if group.stage == WALKS_TO_SELLERS:
        _join_sellers(venue, group, now, lines, ties)
        _write(entries, written, WALK_TO_SELLER, group, number, group.set_off, now, 0, group.people)
        written += 1
        group.set_off = now
        group.stage = WAITS_FOR_SELLER
        if group.served > now:
            _schedule(clock, heap, group.served, number)
            return written
    if group.stage == WAITS_FOR_SELLER:
        _write(entries, written, WAIT_IN_SELLER_LINE, group, number, group.set_off, now, 0, group.people)
        group.stage = BUYS
        _schedule(clock, heap, now + group.sale, number)
        return written + 1
    if not venue.one_line:
        lines[venue.seller_lines + group.line - 1].length -= 1
    _write(entries, written, BUY_TICKETS, group, number, group.served, now, 0, group.people)
    group.set_off = now
    group.stage = WALKS_TO_SCANNERS
    _schedule(clock, heap, now + group.walk_to_scanners, number)
    return written + 1


@compiled
def _join_sellers(venue: Row, group: Row, now: int, lines: Rows, ties: Rows) -> None:
    """Let a group join a line for sellers."""
    if venue.one_line:
        group.served = max(now, lines[venue.seller_lines].free_at)
        group.line = 1
        _take_server(lines, venue.seller_lines, venue.sellers, group.served + group.sale)
        return
    shortest, drawn = _shortest(lines, venue.seller_lines, venue.sellers, ties, venue.seller_ties)
    venue.seller_ties += drawn
    line = lines[venue.seller_lines + shortest]
    line.length += 1
    group.line = shortest + 1
    group.served = max(now, line.free_at)
    line.free_at = group.served + group.sale


@compiled
def _join_scanners(venue: Row, group: Row, now: int, scans: Rows, lines: Rows, ties: Rows) -> None:
    """Let a group join the shortest line for scanners."""
    shortest, drawn = _shortest(lines, venue.scanner_lines, venue.scanners, ties, venue.scanner_ties)
    venue.scanner_ties += drawn
    line = lines[venue.scanner_lines + shortest]
    line.length += group.people
    group.line = shortest + 1
    free_at = max(now, line.free_at)
    for number in range(group.scans, group.scans + group.people):
        scans[number].begins = free_at
        free_at += scans[number].duration
    line.free_at = free_at


@compiled
def _join_one_line(venue: Row, group: Row, now: int, scans: Rows, moments: Rows, lines: Rows) -> None:
    """Let a group join the line that all scanners share; sort the moments at which its members' scans begin and end.

    At the same moment ends come before beginnings, and each in the order of the members.
    """
    group.line = 1
    people = group.people
    sorted_moments = moments[group.scans : group.scans + people].reshape(2 * people)
    for place in range(people):
        scan = scans[group.scans + place]
        scan.begins = max(now, lines[venue.scanner_lines].free_at)
        end = scan.begins + scan.duration
        _take_server(lines, venue.scanner_lines, venue.scanners, end)
        push(sorted_moments, 2 * place, scan.begins, people + place, place)
        push(sorted_moments, 2 * place + 1, end, place, place)
    for size in range(2 * people, 1, -1):
        first = sorted_moments[0]
        time, order, what = first.time, first.order, first.what
        pop(sorted_moments, size)
        put(sorted_moments[size - 1], time, order, what)
    for place in range(people):
        _swap(sorted_moments[place], sorted_moments[2 * people - 1 - place])


@compiled
def _swap(a: Row, b: Row) -> None:
    a.time, b.time = b.time, a.time
    a.order, b.order = b.order, a.order
    a.what, b.what = b.what, a.what


@compiled
def _shortest(lines: Rows, first: int, number: int, ties: Rows, next_tie: int) -> tuple[int, int]:
    """Return the place of the shortest line, and how many draws that took."""
    least, shortest, equal = lines[first].length, 0, 1
    for place in range(1, number):
        length = lines[first + place].length
        if length < least:
            least, shortest, equal = length, place, 1
        elif length == least:
            equal += 1
    if equal == 1:
        return shortest, 0
    for _ in range(np.int64(ties[next_tie] * equal)):
        shortest += 1
        while lines[first + shortest].length != least:
            shortest += 1
    return shortest, 1


@compiled
def _take_server(servers: Rows, first: int, number: int, free_at: int) -> None:
    """Let the server who is free first be free again at ``free_at``: the times are a heap."""
    place = 0
    while True:
        below = 2 * place + 1
        if below >= number:
            break
        if below + 1 < number and servers[first + below + 1].free_at < servers[first + below].free_at:
            below += 1
        if free_at <= servers[first + below].free_at:
            break
        servers[first + place].free_at = servers[first + below].free_at
        place = below
    servers[first + place].free_at = free_at


@compiled
def _is_done(venue: Row, now: int, horizon: int) -> bool:
    return venue.inside == 0 and now >= horizon


@compiled
def _close_if_done(entries: Rows, written: int, venue: Row, number: int, now: int, horizon: int) -> int:
    if venue.closed or not _is_done(venue, now, horizon):
        return written
    venue.closed = 1
    return _close(entries, written, venue, number, 1)


@compiled
def _close_hours(entries: Rows, written: int, venue: Row, number: int, now: int) -> int:
    """Close every hour that has ended."""
    while venue.hour_end <= now:
        written = _close(entries, written, venue, number, 0)
    return written


@compiled
def _close(entries: Rows, written: int, venue: Row, number: int, final: int) -> int:
    entry = entries[written]
    entry.kind, entry.venue, entry.line = CLOSING, number, final
    venue.hour_end += HOUR_US
    return written + 1


@compiled
def _write(
    entries: Rows,
    written: int,
    kind: int,
    group: Row,
    number: int,
    began: int,
    ended: int,
    first: int,
    people: int,
) -> None:
    """Write the entry of a group's members from place ``first`` on."""
    entry = entries[written]
    entry.kind = kind
    entry.venue = group.venue
    entry.group = number
    entry.began = began
    entry.ended = ended
    entry.first_visitor = group.first_visitor + first
    entry.people = people
    entry.line = group.line


@compiled
def _schedule(clock: Rows, heap: Rows, time: int, what: int) -> None:
    """Schedule an event, the first one in the place of the event that happens now: this saves taking that away."""
    if clock[IS_TAKEN]:
        replace_first(heap, clock[SCHEDULED], time, clock[ORDER], what)
        clock[IS_TAKEN] = 0
    else:
        push(heap, clock[SCHEDULED], time, clock[ORDER], what)
        clock[SCHEDULED] += 1
    clock[ORDER] += 1


@compiled
def _bus_of(venue: int) -> int:
    """Return what stands for a venue's next bus: an odd number below 0."""
    return -2 * venue - 1


@compiled
def _hour_of(venue: int) -> int:
    """Return what stands for the end of a venue's hour: an even number below 0."""
    return -2 * venue - 2


@compiled
def _venue_of(what: int) -> int:
    return (-what - 1) >> 1
