"""Logs to replay: the published model's simulation, written from its description, and what sends its logs."""

import json
import random
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import simpy

from simulator.replay import ReplaySummary, open_event_log, plan_replay, replay

START = datetime(2026, 3, 1, 7, 15, tzinfo=UTC)

Log = dict[str, Any]


class PublishedModel:
    """Buses, sellers and scanners; registers, at the end of a service, the walk, the wait and the service itself."""

    def __init__(self, seed: int, sellers: int = 6, scanners: int = 4, *, one_line: Collection[str] = ()) -> None:
        """Build it; the servers of each stage in ``one_line``, sellers or scanners, serve a single line."""
        self.random = random.Random(seed)  # noqa: S311 - a simulation
        self.env = simpy.Environment()
        self.sellers, self.scanners = (
            [simpy.Resource(self.env, count)] if stage in one_line else [simpy.Resource(self.env) for _ in range(count)]
            for stage, count in (("sellers", sellers), ("scanners", scanners))
        )
        self.events: list[dict[str, Any]] = []
        self.env.process(self.buses())

    def run(self, minutes: float) -> Log:
        self.env.run(until=minutes)
        return {"sellerLines": len(self.sellers), "scannerLines": len(self.scanners), "events": self.events}

    def buses(self) -> Iterator[simpy.Event]:
        next_person = 0
        for bus in range(10**9):
            yield self.env.timeout(self.random.expovariate(1 / 3))
            on_board = int(self.random.gauss(100, 30))
            people = list(range(next_person, next_person + max(0, on_board)))
            next_person += len(people)
            self.events.append(
                {"event": "BUS_ARRIVAL", "time": round(self.env.now, 2), "busId": bus, "peopleCreated": list(people)}
            )
            while people:
                size = min(round(self.random.gauss(2.25, 0.5)), len(people))
                group, people = people[-size:], people[:-size]
                way = self.scan(group, 1.5, 0.35) if self.random.random() > 0.4 else self.buy(group)
                self.env.process(way)

    def buy(self, group: list[int]) -> Iterator[simpy.Event]:
        set_off = self.env.now
        yield self.env.timeout(self.random.gauss(1, 0.25))
        joined = self.env.now
        number, line = self.shortest(self.sellers)
        with line.request() as turn:
            yield turn
            served = self.env.now
            yield self.env.timeout(self.random.gauss(1, 0.2))
            who = {"people": group, "sellerLine": number}
            self.register("SELLER", who, (set_off, joined), (joined, served), (served, self.env.now))
        self.env.process(self.scan(group, 0.5, 0.1))

    def scan(self, group: list[int], mean: float, deviation: float) -> Iterator[simpy.Event]:
        set_off = self.env.now
        yield self.env.timeout(max(0, self.random.gauss(mean, deviation)))
        joined = self.env.now
        number, line = self.shortest(self.scanners)
        with line.request() as turn:
            yield turn
            served = self.env.now
            for person in group:
                began = self.env.now
                yield self.env.timeout(max(0, self.random.gauss(0.05, 0.01)))
                who = {"person": person, "scannerLine": number}
                self.register("SCANNER", who, (set_off, joined), (joined, served), (began, self.env.now))

    def shortest(self, lines: list[simpy.Resource]) -> tuple[int, simpy.Resource]:
        shuffled = self.random.sample(list(enumerate(lines, 1)), len(lines))
        return min(shuffled, key=lambda numbered: len(numbered[1].queue))

    def register(self, stage: str, who: dict[str, Any], *times: tuple[float, float]) -> None:
        service = {"SELLER": "BUY_TICKETS", "SCANNER": "SCAN_TICKETS"}[stage]
        for event, (begin, end) in zip((f"WALK_TO_{stage}", f"WAIT_IN_{stage}_LINE", service), times, strict=True):
            self.events.append({"event": event, **who, "time": round(begin, 2), "duration": round(end - begin, 2)})


@pytest.fixture
def published() -> Callable[..., Log]:
    """published(seed, minutes, sellers=6, scanners=4, one_line=()) -> the log of the published model's simulation."""
    return lambda seed, minutes, **staff: PublishedModel(seed, **staff).run(minutes)


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Any], Path]:
    """written(log or text) -> a file that holds it."""

    def write(log: Any) -> Path:
        path = tmp_path / "events.json"
        path.write_text(log if isinstance(log, str) else json.dumps(log), "utf-8")
        return path

    return write


@pytest.fixture
def replayed(written: Callable[[Any], Path], kept: Any) -> Callable[..., tuple[Any, ReplaySummary]]:
    """replayed(log, start=, run_id=, venue_id=) -> what was sent, and the summary."""

    def send(log: Any, **options: Any) -> tuple[Any, ReplaySummary]:
        sink = kept()
        with open_event_log(written(log)) as whole:
            return sink, replay(whole, plan_replay(whole, **({"start": START} | options)), sink)

    return send
