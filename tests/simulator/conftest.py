"""What the simulator's tests share: short runs whose messages are kept, and the contract as a plain checker."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from simulator.distributions import Distribution, Exponential, Normal
from simulator.events import EARLIEST_TIME_US, FIELDS, LATEST_TIME_US, TOPIC_PREFIX, hour_start_us
from simulator.run import Run, Summary, plan_run, simulate
from simulator.scenario import Scenario, load_scenario

from .single_visitors import OFFERED

START = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class Kept:
    """A sink that keeps everything."""

    sent: list[tuple[str, bytes, bytes]] = field(default_factory=list)

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        self.sent.append((topic, key, value))

    def poll(self) -> None:
        pass

    def flush(self) -> None:
        pass

    @property
    def values(self) -> list[bytes]:
        return [value for _, _, value in self.sent]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(value) for value in self.values]

    def of(self, event_type: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["event_type"] == event_type]


@pytest.fixture
def kept() -> type[Kept]:
    return Kept


@pytest.fixture
def plan() -> Callable[..., Run]:
    """plan(scenario="original", **changes of plan_run and of the scenario) -> Run of an hour."""

    def make(scenario: str | Scenario = "original", **options: Any) -> Run:
        loaded = load_scenario(scenario) if isinstance(scenario, str) else scenario
        parameters = {name: options.pop(name) for name in list(options) if name in Scenario.__dataclass_fields__}
        return plan_run(replace(loaded, **parameters), **({"start": START, "hours": 1} | options))

    return make


@pytest.fixture
def ran(plan: Callable[..., Run]) -> Callable[..., Kept]:
    """What a run, planned with the same arguments, has sent."""

    def run(*args: Any, **options: Any) -> Kept:
        sink = Kept()
        simulate(plan(*args, **options), sink)
        return sink

    return run


@pytest.fixture
def summarised(plan: Callable[..., Run]) -> Callable[..., Summary]:
    """What a run, planned with the same arguments, says about itself."""
    return lambda *args, **options: simulate(plan(*args, **options), Kept())


@pytest.fixture
def clockwork() -> Scenario:
    """No chance: a bus of two single visitors every 30 minutes, whose steps all end on full ten minutes."""

    def always(value: float) -> Distribution:
        return Normal(value, 0)

    return replace(
        load_scenario("original"),
        name="clockwork",
        minutes_between_buses=always(30),
        bus_occupancy=always(2),
        group_size=always(1),
        box_office_share=1.0,
        walk_to_sellers_minutes=always(10),
        sale_minutes=always(10),
        walk_to_scanners_minutes=always(10),
        scan_minutes=always(10),
        sellers=2,
        scanners=1,
    )


Sums = dict[str, int | None]


@pytest.fixture
def sums_of() -> Callable[[list[dict[str, Any]], dict[str, Any]], Sums]:
    """sums_of(messages, receipt) -> what the receipt must say of those that it counts."""
    return _sums


def _sums(messages: list[dict[str, Any]], receipt: dict[str, Any]) -> Sums:
    cell = receipt["venue_id"], receipt["hour_start"], receipt["of_event_type"]
    counted = [m for m in messages if (m["venue_id"], hour_start_us(m["event_time"]), m["event_type"]) == cell]
    sales, scans = cell[2] == "buy_tickets", cell[2] == "scan_tickets"
    return {
        "event_count": len(counted),
        "duration_us": sum(m["event_time"] - m["started_at"] for m in counted),
        "visitors": sum(m["party_size"] for m in counted),
        "visitor_us": sum((m["event_time"] - m["started_at"]) * m["party_size"] for m in counted),
        "revenue_cents": sum(m["amount_cents"] for m in counted) if sales else None,
        "time_in_system_us": (
            sum((m["event_time"] - m["arrived_at"]) * m["party_size"] for m in counted) if scans else None
        ),
    }


@pytest.fixture
def violations() -> Callable[[str, bytes, bytes], list[str]]:
    """The rules of the contract that a message breaks; none for a good one."""
    return _violations


def _violations(topic: str, key: bytes, value: bytes) -> list[str]:
    message = json.loads(value.decode("utf-8"))
    event_type = message["event_type"]
    found = [f"unknown field {name}" for name in message if name not in {f.name for f in FIELDS}]
    if topic != TOPIC_PREFIX + event_type:
        found.append(f"{event_type} in topic {topic}")
    if key.decode() != message["venue_id"]:
        found.append(f"key {key!r}")
    if list(message) != [f.name for f in FIELDS if f.name in message]:
        found.append(f"order {list(message)}")
    for rule in FIELDS:
        if rule.name not in message:
            if event_type in rule.required:
                found.append(f"missing {rule.name}")
            continue
        found_value = message[rule.name]
        if event_type not in rule.required | rule.optional:
            found.append(f"{rule.name} has no place in {event_type}")
        expected = {"string": str, "int": int, "time": int, "bool": bool}[rule.kind]
        if (
            type(found_value) is not expected
            or (rule.kind == "time" and not EARLIEST_TIME_US <= found_value < LATEST_TIME_US)
            or (rule.kind == "int" and rule.minimum is not None and found_value < rule.minimum)
            or (rule.kind == "string" and (not found_value or (rule.allowed and found_value not in rule.allowed)))
        ):
            found.append(f"{rule.name} = {found_value!r}")
    if message.get("started_at", 0) > message["event_time"]:
        found.append("negative duration")
    return found


@pytest.fixture
def markov() -> Scenario:
    """M/M/c at the sellers; scanning takes next to nothing."""
    return replace(
        load_scenario("original"),
        name="markov",
        minutes_between_buses=Exponential(1 / OFFERED),
        bus_occupancy=Normal(1, 0),
        group_size=Normal(1, 0),
        box_office_share=1.0,
        sale_minutes=Exponential(1),
        scan_minutes=Normal(0.001, 0),
        one_line=True,
    )
