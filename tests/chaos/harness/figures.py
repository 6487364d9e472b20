"""The page's figures, from two sides: as the page has them, and added up from the messages of the simulator."""

import base64
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from simulator.events import EventType, hour_start_us
from ticketsim_assets.dashboard.bins import STAGES
from ticketsim_assets.dashboard.data import ACTIVITIES, MEASURES, VENUE_HOURS_TABLE

#: run, venue, start of the hour in hours since the epoch
VenueHour = tuple[str, str, int]

#: Measures of an hour that are not 0; ``waits`` of each stage with them.
Figures = dict[VenueHour, dict[str, int]]

_HEAD = re.compile(r'<script type="application/json" id="head">(.*?)</script>', re.DOTALL)
_COLUMNS = re.compile(r'<script type="text/plain" id="columns">(.*?)</script>', re.DOTALL)


def produced_figures(messages: Iterable[Mapping[str, Any]]) -> Figures:
    """Add the page's figures up from messages, each given once; hours in which nothing happened have none."""
    found: dict[VenueHour, Counter[str]] = defaultdict(Counter)
    for message in messages:
        hour = hour_start_us(message["event_time"]) // 3_600_000_000
        found[message["run_id"], message["venue_id"], hour].update(_measures(message))
    return {where: _not_zero(measures) for where, measures in found.items()}


def _measures(message: Mapping[str, Any]) -> dict[str, int]:
    kind, people = message["event_type"], message.get("party_size", 0)
    if kind == EventType.HOUR_CLOSED:
        return {}
    if kind == EventType.BUS_ARRIVAL:
        return {"buses": 1, "visitors_arrived": people}
    measures = {
        f"{kind}_visitors": people,
        f"{kind}_visitor_us": people * (message["event_time"] - message["started_at"]),
    }
    if kind == EventType.BUY_TICKETS:
        measures |= {"groups_served": 1, "revenue_cents": message["amount_cents"]}
    if kind == EventType.SCAN_TICKETS:
        in_system_us = message["event_time"] - message["arrived_at"]
        measures |= {"visitors_admitted": people, "time_in_system_us": people * in_system_us}
    for activity in ACTIVITIES:
        if activity.key == kind and activity.kind == "wait":
            measures[f"waits of {activity.stage}"] = people
    return measures


def page_figures(page: Path) -> Figures:
    """Return the figures that stand in the page."""
    data = _embedded(page)
    hours = data["venueHours"]
    found: dict[VenueHour, Counter[str]] = defaultdict(Counter)
    for number, where in enumerate(_places(data, hours)):
        found[where].update({measure: hours[measure][number] for measure in MEASURES})
    waits, visitors = data["waits"], data["waitBins"]["visitors"]
    ends = [*waits["at"][1:], len(visitors)]
    for number, where in enumerate(_places(data, waits)):
        stage = STAGES[waits["stage"][number]]
        found[where][f"waits of {stage}"] += sum(visitors[waits["at"][number] : ends[number]])
    return {where: _not_zero(measures) for where, measures in found.items()}


def page_states(page: Path) -> Counter[str]:
    """Return how many receipts the page says are in each state."""
    data = _embedded(page)
    states = Counter({state: sum(data["receipts"][state]) for state in ("proved", "counted")})
    states.update(receipt["state"] for receipt in data["offending"])
    return +states


def mart_figures(warehouse: Path) -> Figures:
    """Return the figures of the mart that the page reads, without the waits' distribution."""
    with duckdb.connect(warehouse, read_only=True) as connection:
        columns = ", ".join(f"coalesce({measure}, 0)::bigint" for measure in MEASURES)
        rows = connection.execute(
            f"select run_id, venue_id, epoch(hour_start)::bigint // 3600, {columns} from {VENUE_HOURS_TABLE}"
        ).fetchall()
    return {tuple(row[:3]): _not_zero(dict(zip(MEASURES, row[3:], strict=True))) for row in rows}


def without_waits(figures: Figures) -> Figures:
    return {
        where: {name: value for name, value in measures.items() if not name.startswith("waits of ")}
        for where, measures in figures.items()
    }


def differences(found: Figures, expected: Figures) -> list[str]:
    """Return a sentence for each figure that is not what it should be; an hour without figures is as one of zeros."""
    return [
        f"{measure} of run {where[0]}, {where[1]}, hour {where[2]}: {here.get(measure, 0)}, not {there.get(measure, 0)}"
        for where in sorted(found.keys() | expected.keys())
        for here, there in [(found.get(where, {}), expected.get(where, {}))]
        for measure in sorted(here.keys() | there.keys())
        if here.get(measure, 0) != there.get(measure, 0)
    ]


def _embedded(page: Path) -> dict[str, Any]:
    """Return the page's head and its tables in columns, which stand in it as little-endian arrays in base64."""
    text = page.read_text()
    found, columns = _HEAD.search(text), _COLUMNS.search(text)
    assert found, f"{page} holds no figures"
    assert columns, f"{page} holds no columns"
    head, data = json.loads(found[1]), base64.b64decode(columns[1])
    return head | {
        name: {column: _values(data, place, table["rows"]) for column, place in table["columns"].items()}
        for name, table in head["tables"].items()
    }


def _values(data: bytes, place: Mapping[str, Any], rows: int) -> list[int]:
    values = np.frombuffer(data, f"<{place['type']}", rows, place["at"])
    return (values.astype(np.int64) + place["plus"]).tolist()


def _places(data: Mapping[str, Any], columns: Mapping[str, list[int]]) -> Iterable[VenueHour]:
    for run, venue, hour in zip(columns["run"], columns["venue"], columns["hour"], strict=True):
        yield data["runs"][run], data["venues"][venue], hour


def _not_zero(measures: Mapping[str, int]) -> dict[str, int]:
    return {name: value for name, value in measures.items() if value}
