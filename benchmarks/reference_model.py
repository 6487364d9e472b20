"""The same model written the obvious way, as a baseline of the benchmarks: nothing else uses it.

A SimPy process for each visitor, a ``simpy.Resource`` for each line, ``random`` for each draw, a dictionary for each
message and ``json.dumps`` for its text. It sends the seven activities with the fields of the contract, without
receipts.
"""

import json
import random
from collections.abc import Callable, Generator
from typing import Any, Final

import simpy

START_US: Final = 1_772_323_200_000_000
MINUTE_US: Final = 60_000_000

Send = Callable[[str, bytes, bytes], None]
Process = Generator[simpy.Event, Any, None]


class ReferenceModel:
    """The scenario `original`; time is minutes."""

    def __init__(self, send: Send, hours: float, seed: int = 7) -> None:
        """Set the model up.

        Args:
            send: Callback that takes topic, key and value of each message.
            hours: Hours during which buses arrive.
            seed: Seed of all random draws.
        """
        self.events = 0
        self._send = send
        self._minutes = hours * 60
        self._random = random.Random(seed)  # noqa: S311 - a simulation, no secret
        self._env = simpy.Environment()
        self._sellers = [simpy.Resource(self._env) for _ in range(6)]
        self._scanners = [simpy.Resource(self._env) for _ in range(4)]
        self._groups = 0
        self._visitors = 0

    def run(self) -> int:
        """Simulate until the last visitor is in and return the number of messages."""
        self._env.process(self._buses())
        self._env.run()
        return self.events

    def _buses(self) -> Process:
        bus_id = 0
        while True:
            yield self._env.timeout(self._random.expovariate(1 / 3))
            if self._env.now >= self._minutes:
                return
            people = max(1, round(self._random.gauss(100, 30)))
            bus = {"arrived_at": self._env.now, "bus_id": bus_id}
            self._record(
                "bus_arrival", self._env.now, {**bus, "first_visitor_id": self._visitors, "party_size": people}
            )
            while people:
                size = min(people, max(1, round(self._random.gauss(2.25, 0.5))))
                self._env.process(self._group(bus, self._groups, self._visitors, size))
                self._groups += 1
                self._visitors += size
                people -= size
            bus_id += 1

    def _group(self, bus: dict[str, Any], group_id: int, first_visitor: int, size: int) -> Process:
        buys = self._random.random() < 0.4  # noqa: PLR2004 - the model's own parameters stand where they are used
        channel = "box_office" if buys else "online"
        about = {**bus, "group_id": group_id, "channel": channel}
        set_off = self._env.now
        yield self._env.timeout(self._random.gauss(1, 0.1))
        if buys:
            number, line = self._shortest(self._sellers)
            party = {**about, "first_visitor_id": first_visitor, "party_size": size, "line": number}
            with line.request() as turn:
                self._record("walk_to_seller", set_off, party)
                joined = self._env.now
                yield turn
                self._record("wait_in_seller_line", joined, party)
                served = self._env.now
                yield self._env.timeout(self._random.gauss(1, 0.2))
                self._record("buy_tickets", served, {**party, "amount_cents": 3500 * size})
            set_off = self._env.now
        yield self._env.timeout(self._random.gauss(0.5, 0.05))
        number, line = self._shortest(self._scanners)
        for visitor in range(first_visitor, first_visitor + size):
            party = {**about, "first_visitor_id": visitor, "party_size": 1, "line": number}
            self._env.process(self._visitor(party, set_off, line))

    def _visitor(self, party: dict[str, Any], set_off: float, line: simpy.Resource) -> Process:
        with line.request() as turn:
            self._record("walk_to_scanner", set_off, party)
            joined = self._env.now
            yield turn
            self._record("wait_in_scanner_line", joined, party)
            scanned = self._env.now
            yield self._env.timeout(self._random.gauss(0.05, 0.01))
            self._record("scan_tickets", scanned, party)

    def _shortest(self, lines: list[simpy.Resource]) -> tuple[int, simpy.Resource]:
        lengths = [line.count + len(line.queue) for line in lines]
        index = self._random.choice([i for i, length in enumerate(lengths) if length == min(lengths)])
        return index + 1, lines[index]

    def _record(self, event_type: str, began: float, about: dict[str, Any]) -> None:
        self.events += 1
        message = {
            "event_type": event_type,
            "schema_version": 1,
            "event_id": f"reference-venue-1-{self.events}",
            "run_id": "reference",
            "venue_id": "venue-1",
            "event_time": START_US + round(self._env.now * MINUTE_US),
            "started_at": START_US + round(began * MINUTE_US),
            **about,
            "arrived_at": START_US + round(about["arrived_at"] * MINUTE_US),
        }
        self._send(f"ticketsim.{event_type}", b"venue-1", json.dumps(message).encode())
