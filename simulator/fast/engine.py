"""The fast engine: unpaced runs, as machine code on tables of what is inside and of who comes next."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from simulator.encoding import encode as encode_receipt
from simulator.engine import Site
from simulator.environment import ON_TIME, Lateness
from simulator.events import ACTIVITY_TYPES, HOUR_US, LATEST_TIME_US, TOPICS, EventType
from simulator.fast.draws import Draws, joined
from simulator.fast.encoder import encode
from simulator.fast.machine import NOW, PLACES, SCHEDULED, advance, open_venues
from simulator.fast.tables import (
    BUS,
    CLOSING,
    ENTRY,
    GROUP,
    IS_IN,
    LINE,
    SCAN,
    SUMS,
    TALLY,
    VENUE,
    WALKS_TO_SCANNERS,
    WALKS_TO_SELLERS,
    Rows,
)
from simulator.fast.tables import SCHEDULED as SCHEDULED_ROW
from simulator.fast.templates import templates_of
from simulator.fast.visitors import Visitors
from simulator.queues import SCANNER_TIES, SELLER_TIES
from simulator.sinks.batch import Batch, send_batch
from simulator.sinks.protocol import Sink

#: Visitors drawn at a time: tens of megabytes, whatever the length of the run.
_VISITORS_AHEAD: Final = 20_000

#: Messages in one call of the machine: what they need stays in the processor's cache.
_MESSAGES: Final = 8192


class FastEngine:
    """All venues on one clock; see ``Engine``."""

    def __init__(self, sites: Sequence[Site], sink: Sink, *, start_us: int, horizon_us: int) -> None:
        """Set the venues up.

        Args:
            sites: The venues.
            sink: Destination of the messages.
            start_us: Simulated time at the start, microseconds since the Unix epoch.
            horizon_us: Time from which no bus arrives.
        """
        self._sites: Final = sites
        self._sink: Final = sink
        self._horizon: Final = horizon_us
        self._keys: Final = [site.header.venue_id.encode() for site in sites]
        self._visitors: Final = [
            Visitors(row, site.scenario, site.streams, start_us, horizon_us) for row, site in enumerate(sites)
        ]
        self._span_us: Final = _span_us(sites)
        self._draws_of_ties: Final = [
            (Draws(site.streams.blocks_of_uniforms(SELLER_TIES)), Draws(site.streams.blocks_of_uniforms(SCANNER_TIES)))
            for site in sites
        ]
        self._templates: Final = templates_of([(site.header.run_id, site.header.venue_id) for site in sites])
        self._venues: Final = np.zeros(len(sites), VENUE)
        lines = 0
        for site, venue in zip(sites, self._venues, strict=True):
            scenario = site.scenario
            venue["hour_end"], venue["price"] = site.ledger.hour_end, scenario.ticket_price_cents
            venue["one_line"], venue["sellers"], venue["scanners"] = (
                scenario.one_line,
                scenario.sellers,
                scenario.scanners,
            )
            venue["seller_lines"], venue["scanner_lines"] = lines, lines + scenario.sellers
            lines += scenario.sellers + scenario.scanners
        self._any_one_line: Final = bool(self._venues["one_line"].any())
        self._lines: Final = np.zeros(lines, LINE)
        self._tallies: Final = np.zeros((len(sites), len(ACTIVITY_TYPES)), TALLY)
        self._sums: Final = np.zeros(len(sites), SUMS)
        self._clock: Final = np.zeros(PLACES, np.int64)
        self._clock[NOW] = start_us
        self._drawn_until = start_us
        self._buses, self._groups, self._scans = np.zeros(0, BUS), np.zeros(0, GROUP), np.zeros(0, SCAN)
        self._heap = np.zeros(2 * len(sites), SCHEDULED_ROW)
        self._moments = np.zeros((0, 2), SCHEDULED_ROW)
        self._ties, self._first_ties = np.zeros(0), np.zeros((len(sites), 2), np.int64)
        self._entries = np.zeros(0, ENTRY)
        self._text, self._ends = np.zeros(0, np.uint8), np.zeros(0, np.int64)
        self.receipts = 0  #: receipts sent so far
        self._draw()
        open_venues(self._clock, self._venues, self._buses, self._heap)

    @property
    def now(self) -> int:
        """Simulated time."""
        return int(self._clock[NOW])

    @property
    def lateness(self) -> Lateness:
        """Lag behind the pace: there is none."""
        return ON_TIME

    @property
    def events(self) -> int:
        """Messages sent so far, receipts included."""
        return int(self._venues["sequence"].sum())

    @property
    def all_closed(self) -> bool:
        """Whether the receipts of every venue's last hour are sent."""
        return bool(self._venues["closed"].all())

    @property
    def open_hours_end(self) -> int:
        """The end of the last hour that is open at a venue which is not closed."""
        return int(self._venues["hour_end"][self._venues["closed"] == 0].max())

    def advance(self, until_us: int | None) -> None:
        """Simulate some thousand messages, but nothing that happens at ``until_us`` or later."""
        if self.now >= self._drawn_until:
            self._draw()
        end = self._drawn_until if until_us is None else min(self._drawn_until, until_us)
        written = advance(
            *(self._clock, end, self._horizon, self._venues, self._buses, self._groups, self._scans),
            *(self._moments, self._lines, self._ties, self._heap, self._entries, _MESSAGES),
        )
        first = 0
        closings = np.flatnonzero(self._entries["kind"][:written] == CLOSING)
        for closing in closings.tolist():
            self._send(first, closing)
            entry = self._entries[closing]
            self._close_hour(int(entry["venue"]), final=bool(entry["line"]))
            first = closing + 1
        self._send(first, written)
        if not self._clock[SCHEDULED] or self._heap["time"][0] >= end:
            self._clock[NOW] = end

    def hurry(self) -> None:
        """Do nothing: it always runs as fast as possible."""

    def close_hours(self) -> None:
        """Send the receipts of all hours that have ended, and the last ones of venues whose visitors are through."""
        for row, venue in enumerate(self._venues):
            if venue["closed"]:
                continue
            if not venue["inside"] and self.now >= self._horizon:
                self._close_last_hour(row)
            while not venue["closed"] and venue["hour_end"] <= self.now:
                self._close_hour(row, final=False)
                venue["hour_end"] += HOUR_US
            self._settle(row)

    def close(self) -> None:
        """Send the receipts of the open hour of each venue that is not closed, as its last."""
        for row in np.flatnonzero(self._venues["closed"] == 0).tolist():
            self._close_last_hour(row)

    def _close_last_hour(self, row: int) -> None:
        self._close_hour(row, final=True)
        self._venues[row]["closed"] = 1

    def _send(self, first: int, end: int) -> None:
        """Send the messages of entries."""
        if first == end:
            return
        entries, templates = self._entries[first:end], self._templates
        length = encode(
            *(entries, self._venues, self._buses, self._groups),
            *(templates.text, templates.first_texts, templates.second_texts, templates.slots, templates.bounds),
            *(self._tallies, self._sums, self._text, self._ends),
        )
        batch = Batch(self._text[:length], self._ends[: end - first], entries["kind"], entries["venue"], self._keys)
        send_batch(self._sink, TOPICS, batch)

    def _close_hour(self, row: int, *, final: bool) -> None:
        """Send the receipts of a venue's open hour."""
        self._settle(row)
        site, venue = self._sites[row], self._venues[row]
        head = site.header
        for receipt in site.ledger.close_hour(
            head.run_id, head.venue_id, head.run_venues, int(venue["sequence"]) + 1, final
        ):
            venue["sequence"] += 1
            self.receipts += 1
            self._sink.send(EventType.HOUR_CLOSED.topic, self._keys[row], encode_receipt(receipt))

    def _settle(self, row: int) -> None:
        """Enter into the ledger what was sent since the last time."""
        ledger, tallies, sums = self._sites[row].ledger, self._tallies[row], self._sums[row]
        for tally, sent in zip(ledger.tallies.values(), tallies.tolist(), strict=True):
            count, duration_us, companions, companion_us, content = sent
            tally.count += count
            tally.duration_us += duration_us
            tally.companions += companions
            tally.companion_us += companion_us
            tally.content += content
        ledger.revenue_cents += int(sums["revenue_cents"])
        ledger.time_in_system_us += int(sums["time_in_system_us"])
        tallies[:] = 0
        self._sums[row] = 0

    def _draw(self) -> None:
        """Draw the visitors of the next span of time, and keep of the others those who are inside."""
        until = self._drawn_until + self._span_us
        if all(visitors.all_drawn for visitors in self._visitors):
            until = LATEST_TIME_US
        buses = [visitors.buses_until(until) for visitors in self._visitors]
        people = sum(int(rows["people"].sum()) for rows in buses)
        groups, scans = self._keep_those_inside(people)
        bus_row = 0
        for venue, visitors, rows in zip(self._venues, self._visitors, buses, strict=True):
            venue["next_bus"] = bus_row
            groups += visitors.seat(rows, self._groups, groups, self._scans, scans)
            scans += int(rows["people"].sum())
            bus_row += len(rows)
        self._buses, self._groups = np.concatenate(buses), self._groups[:groups]
        if len(self._heap) < 2 * len(self._sites) + groups:
            heap = np.empty(2 * len(self._sites) + 2 * groups, SCHEDULED_ROW)
            heap[: self._clock[SCHEDULED]] = self._heap[: self._clock[SCHEDULED]]
            self._heap = heap
        self._ties = self._draw_ties()
        self._drawn_until = until
        room = _MESSAGES + 3 * max(int(self._groups["people"].max(initial=0)), 1) + 2
        if room > len(self._entries):
            self._entries, self._ends = np.empty(room, ENTRY), np.empty(room, np.int64)
            self._text = np.empty(room * self._templates.longest, np.uint8)

    def _keep_those_inside(self, people: int) -> tuple[int, int]:
        """Make new tables of groups and scans with room for other people; return how many rows are of those inside."""
        inside = np.flatnonzero(self._groups["stage"] != IS_IN)
        groups = self._groups[inside]
        new_rows = np.zeros(len(self._groups), np.int64)
        new_rows[inside] = np.arange(len(inside))
        what = self._heap["what"][: self._clock[SCHEDULED]]
        what[what >= 0] = new_rows[what[what >= 0]]
        last = np.cumsum(groups["people"])
        first = last - groups["people"]
        visitors = int(last[-1]) if len(last) else 0
        rows = np.repeat(groups["scans"] - first, groups["people"]) + np.arange(visitors)
        groups["scans"] = first
        self._groups = _with_room(groups, people)
        self._scans = _with_room(self._scans[rows], people)
        if self._any_one_line:
            self._moments = _with_room(self._moments[rows], people)
        return len(groups), visitors

    def _draw_ties(self) -> Rows:
        """Draw what breaks ties for all groups that have not joined a line, and note where each venue's draws begin."""
        venues, ties = self._venues, []
        rows = 0
        for place, (name, stage) in enumerate((("seller_ties", WALKS_TO_SELLERS), ("scanner_ties", WALKS_TO_SCANNERS))):
            to_join = np.bincount(self._groups["venue"][self._groups["stage"] <= stage], minlength=len(venues))
            for row, number in enumerate(to_join.tolist()):
                venue, draws = venues[row], self._draws_of_ties[row][place]
                if venue["one_line"]:
                    continue
                draws.drop(int(venue[name] - self._first_ties[row, place]))
                venue[name] = self._first_ties[row, place] = rows
                ties.append(draws.peek(number)[:number])
                rows += number
        return joined(ties, np.float64)


def _with_room(rows: Rows, number: int) -> Rows:
    """Return rows with room for a number of further ones."""
    table = np.empty((len(rows) + number, *rows.shape[1:]), rows.dtype)
    table[: len(rows)] = rows
    return table


def _span_us(sites: Sequence[Site]) -> int:
    """Return the time in which about ``_VISITORS_AHEAD`` visitors come, microseconds."""
    visitors_an_hour = sum(site.scenario.visitors_an_hour for site in sites)
    return max(1, round(HOUR_US * _VISITORS_AHEAD / visitors_an_hour))
