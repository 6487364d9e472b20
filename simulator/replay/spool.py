"""The spool: an event log on disk, validated as a whole and read in the order in which its activities ended.

The events are in a temporary SQLite database, which the operating system removes when it is closed, even after a crash.
SQLite sorts on disk, so memory does not grow with the log.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from simulator.arrivals import BOX_OFFICE, ONLINE
from simulator.events import ACTIVITY_TYPES, EventType
from simulator.exceptions import EventLogRefused
from simulator.replay.content import LogContent
from simulator.replay.reader import LogReader, refusal
from simulator.replay.shape import Recorded

#: Memory for the database's pages, KiB; beyond that, pages and sorts spill to disk.
_CACHE_KIB: Final = 2 * 1024

#: Events that are written together.
_BATCH: Final = 2000

#: SQLite virtual machine instructions between checks for Ctrl-C: less than a tenth of a second.
_INTERRUPTIBLE_EVERY: Final = 100_000

_NUMBER_OF: Final = {kind: number for number, kind in enumerate(ACTIVITY_TYPES)}
_BUS: Final = _NUMBER_OF[EventType.BUS_ARRIVAL]
_SELLER_KINDS: Final = (EventType.WALK_TO_SELLER, EventType.WAIT_IN_SELLER_LINE, EventType.BUY_TICKETS)
_FIRST_AT_SCANNER: Final = _NUMBER_OF[EventType.WALK_TO_SCANNER]

#: By how much an activity may seem to begin before the one before it has ended: begin and duration are rounded to two
#: decimals of a minute, and here to a microsecond.
_ROUNDING_US: Final = 600_002

#: ``event.person`` is the one with the lowest id of the event's people, ``event.people`` their number.
_TABLES: Final = """
create table event (
    number integer primary key, kind integer, began integer, ended integer, person integer, people integer,
    bus_id integer, line integer
);
create table rider (person integer, event integer);
create table buyer (person integer, event integer);
"""

#: Who bought together: everybody's first event at the sellers is their party.
_PARTIES: Final = """
create table bought (person integer primary key, party integer);
insert into bought select person, min(event) from buyer group by person order by person;
create table visitor (person integer primary key, bus integer, party integer);
insert into visitor
    select rider.person, rider.event, bought.party from rider left join bought using (person) order by rider.person;
"""

#: Visitors are numbered bus by bus in the order of the log, on a bus party by party in the order of their lowest ids,
#: so that each bus and each party has consecutive numbers; groups in the same order.
_NUMBERS: Final = f"""
create table guest (
    person integer primary key, visitor integer, party integer, channel text, arrived integer, bus_id integer
);
insert into guest
    select
        person,
        (select coalesce(min(person), 0) from visitor) - 1 + row_number() over (order by bus, leader, person),
        dense_rank() over (order by bus, leader) - 1,
        channel, arrived, bus_id
    from (
        select
            visitor.person, visitor.bus, coalesce(first.person, visitor.person) as leader,
            case when visitor.party is null then '{ONLINE}' else '{BOX_OFFICE}' end as channel,
            bus.began as arrived, bus.bus_id
        from visitor
        join event as bus on bus.number = visitor.bus
        left join event as first on first.number = visitor.party
    )
    order by person;
"""  # noqa: S608 - the two channels are constants

#: Events that begin before the same person's activity before them has ended; at the sellers, events of groups.
_OUT_OF_ORDER: Final = f"""
select number, person, before from (
    select
        number, person, began,
        lag(kind) over activities as before,
        lag(ended) over activities as before_ended
    from (
        select event.number, buyer.person, event.kind, event.began, event.ended
        from buyer join event on event.number = buyer.event
        union all
        select number, person, kind, began, ended from event where kind >= {_FIRST_AT_SCANNER}
    )
    window activities as (partition by person order by kind)
)
where began + {_ROUNDING_US} < before_ended
order by number, person"""  # noqa: S608 - numbers of this module

#: Activities that ended together keep the order of the log, so that each visitor's stay in order.
_IN_ORDER: Final = """
select
    event.kind, event.began, event.ended, guest.arrived, guest.bus_id,
    guest.party, guest.visitor, event.people, guest.channel, event.line
from event
join guest using (person)
order by event.ended, event.number
"""


#: How many servers lines of one kind have beyond the first each: one fewer than the most that a line served at once.
_MORE_SERVERS: Final = f"""
with step as (
    select line, began + {_ROUNDING_US} as at, 1 as step from event
    where kind = :kind and ended - began > {_ROUNDING_US}
    union all
    select line, ended, -1 from event where kind = :kind and ended - began > {_ROUNDING_US}
),
at_once as (
    select line, sum(step) over (partition by line order by at, step rows unbounded preceding) as served from step
)
select coalesce(sum(most - 1), 0) from (select max(served) as most from at_once group by line)
"""  # noqa: S608 - numbers of this module


class ActivityRecord(NamedTuple):
    """An activity with the fields of the contract; times are microseconds since the start of the run."""

    kind: EventType
    began_us: int
    ended_us: int
    arrived_us: int  #: when the visitors' bus arrived
    bus_id: int
    group_id: int
    first_visitor_id: int
    party_size: int
    channel: str
    line: int | None


class EventLog:
    """A complete and valid log."""

    def __init__(
        self,
        path: Path,
        reader: LogReader,
        in_order: sqlite3.Cursor,
        totals: tuple[int, int, int],
        servers: tuple[int, int],
    ) -> None:
        self.sellers, self.scanners = servers
        """One for each line, and more where a line was seen to serve several at once: it had at least so many."""
        self.content_digest: Final = reader.content_digest
        self.events, self.empty_buses, self.length_us = totals
        """Events that can be sent; buses with nobody on them, which cannot; the end of the last activity."""
        self._in_order: Final = in_order
        self._path: Final = path

    def activities(self) -> Iterator[ActivityRecord]:
        """Yield the activities in the order in which they ended; can be called once.

        Raises:
            EventLogRefused: They cannot be read from the disk again.
        """
        with _errors_told(self._path):
            for kind, *others in self._in_order:
                yield ActivityRecord(ACTIVITY_TYPES[kind], *others)


@contextmanager
def open_event_log(path: Path, on_read: Callable[[int], None] = lambda _: None) -> Iterator[EventLog]:
    """Read, validate and sort a log; it stays in temporary files until the end of the context.

    Args:
        path: File of the log.
        on_read: Callback with the number of bytes read so far; sorting follows the last one.

    Raises:
        EventLogRefused: It cannot be read, has the wrong format, contradicts itself, or cannot be stored on disk.
    """
    # Without a name, SQLite creates a temporary file that disappears when it is closed.
    with closing(sqlite3.connect("", isolation_level=None)) as database:
        with _errors_told(path), LogContent(path, on_read) as content:
            database.executescript(
                f"pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -{_CACHE_KIB};"
                f"pragma temp_store = file; {_TABLES} begin;"
            )
            database.set_progress_handler(lambda: None, _INTERRUPTIBLE_EVERY)
            reader = LogReader(content)
            _store(database, reader)
            _validate(database, content, reader.lines)
            totals = database.execute(
                "select count(*) filter (where people > 0), count(*) filter (where people = 0), "
                "coalesce(max(ended), 0) from event"
            ).fetchone()
            sellers = reader.lines["sellerLines"] + _more_servers(database, EventType.BUY_TICKETS)
            scanners = reader.lines["scannerLines"] + _more_servers(database, EventType.SCAN_TICKETS)
            in_order = database.execute(_IN_ORDER)
        yield EventLog(path, reader, in_order, totals, (sellers, scanners))


def _more_servers(database: sqlite3.Connection, service: EventType) -> int:
    """Return how many servers the lines of ``service`` have in addition to one each."""
    return int(database.execute(_MORE_SERVERS, {"kind": _NUMBER_OF[service]}).fetchone()[0])


@contextmanager
def _errors_told(path: Path) -> Iterator[None]:
    """Turn errors of the database into one of the log."""
    try:
        yield
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise KeyboardInterrupt from error
        raise EventLogRefused(
            f"Cannot sort the event log {path} on disk: {error}. It needs about one and a half times its own "
            "size for temporary files; TMPDIR names the folder for them."
        ) from error


def _store(database: sqlite3.Connection, reader: LogReader) -> None:
    """Store every event and the people in it."""
    numbered = enumerate(reader.events(), 1)
    while batch := list(islice(numbered, _BATCH)):
        database.executemany("insert into event values (?, ?, ?, ?, ?, ?, ?, ?)", (_row(*entry) for entry in batch))
        for table, kinds in (("rider", (EventType.BUS_ARRIVAL,)), ("buyer", _SELLER_KINDS)):
            database.executemany(
                f"insert into {table} values (?, ?)",  # noqa: S608 - one of the two names above
                ((person, number) for number, event in batch if event.kind in kinds for person in event.people),
            )


def _row(number: int, event: Recorded) -> tuple[int | None, ...]:
    people = event.people
    return (
        number,
        _NUMBER_OF[event.kind],
        event.began_us,
        event.ended_us,
        people[0] if people else None,
        len(people),
        event.bus_id,
        event.line,
    )


def _validate(database: sqlite3.Connection, content: LogContent, lines: dict[str, int]) -> None:
    """Refuse a log that no simulation could have written, at its first invalid event; number the visitors."""

    def refuse_any(query: str, what: str) -> None:
        """Refuse the log if the query finds an event; ``what`` is filled in with the row."""
        found = database.execute(f"{query} limit 1").fetchone()
        if found is not None:
            raise refusal(content, found[0], what.format(*found[1:]))

    for key, first, last in (
        ("sellerLine", _BUS + 1, _FIRST_AT_SCANNER - 1),
        ("scannerLine", _FIRST_AT_SCANNER, len(ACTIVITY_TYPES) - 1),
    ):
        count = lines[f"{key}s"]
        refuse_any(
            f"select number, line from event where kind between {first} and {last} and line > {count}",  # noqa: S608
            f"'{key}' is {{}}, expected at most {count}, which is '{key}s'",
        )
    refuse_any(
        _second_time("number", "event", "bus_id", f"where kind = {_BUS}"),
        "'busId' is {}, which has arrived before; expected each bus once",
    )
    refuse_any(
        _second_time("event", "rider", "person"),
        "person {} is in 'peopleCreated', but has arrived before; expected each person once",
    )
    database.executescript(_PARTIES)
    for passengers in (
        "select buyer.event as number, person from buyer",
        f"select number, person from event where kind >= {_FIRST_AT_SCANNER}",  # noqa: S608
    ):
        refuse_any(
            f"select number, person from ({passengers}) where person not in (select person from visitor)"  # noqa: S608
            " order by number",
            "person {} has arrived on no bus; expected a BUS_ARRIVAL with them in 'peopleCreated'",
        )
    refuse_any(
        """
        select buyer.event, min(visitor.party) from buyer
        join visitor using (person)
        join event as this on this.number = buyer.event
        join event as first on first.number = visitor.party
        group by buyer.event
        having min(visitor.party) <> max(visitor.party) or max(this.people) <> max(first.people)
        order by buyer.event""",
        "'people' are not those of event {}, though some are the same; expected groups to stay together",
    )
    refuse_any(
        """
        select event, min(person), max(person) from buyer join visitor using (person)
        group by event having min(bus) <> max(bus) order by event""",
        "'people' from {} to {} came on different buses; expected people of one bus",
    )
    refuse_any(
        _second_time("number", "event", "person", f"where kind <> {_BUS}", per="kind, person"),
        "person {} did the same before; expected it once",
    )
    refuse_any(
        """
        select event.number, event.person from event
        join visitor using (person) join event as bus on bus.number = visitor.bus
        where event.began < bus.began order by event.number""",
        "'time' is before the bus of person {} arrived, expected that time or later",
    )
    found = database.execute(f"{_OUT_OF_ORDER} limit 1").fetchone()
    if found is not None:
        number, person, before = found
        earlier = ACTIVITY_TYPES[before].upper()
        what = f"'time' is before the {earlier} of person {person} ends, expected that time or later"
        raise refusal(content, number, what)
    database.executescript(_NUMBERS)


def _second_time(number: str, table: str, what: str, where: str = "", *, per: str = "") -> str:
    """Build a query for events whose ``what`` an earlier event has, first to last."""
    return f"""
        select number, what from (
            select {number} as number, {what} as what,
                row_number() over (partition by {per or what} order by {number}) as nth
            from {table} {where}
        ) where nth = 2 order by number"""  # noqa: S608 - names of this module's own tables
