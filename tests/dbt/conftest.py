"""A warehouse file with raw rows as the loader would write them, and the dbt command to build on it."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from simulator.digest import digest_of
from simulator.events import ACTIVITY_TYPES, HOUR_US, hour_start_us
from ticketsim_assets.warehouse.schema import RAW_EVENTS, create_statements

DBT_DIR = Path(__file__).parents[2] / "dbt"
FIRST_HOUR = datetime(2026, 11, 20, 22, tzinfo=UTC)
HOURS = 4
MINUTE_US = 60_000_000

ARROW_TYPES = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "timestamp": pa.timestamp("us"),
    "boolean": pa.bool_(),
    "binary": pa.binary(),
    "date": pa.date32(),
}

Row = dict[str, Any]


def micros(time: datetime) -> int:
    """Microseconds since the epoch."""
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


class Line:
    """Servers behind one queue: who comes first is served first."""

    def __init__(self, servers: int) -> None:
        self.free_at = [0] * servers

    def serve(self, joined: int, service: int) -> int:
        """When the service begins of somebody who joins at ``joined``."""
        begin = max(joined, min(self.free_at))
        self.free_at[self.free_at.index(min(self.free_at))] = begin + service
        return begin


def activities(venue_id: str, seed: int, shared: bool) -> list[Row]:
    """What visitors of one venue do in ``HOURS`` hours of arrivals and the drain after them, in order of time."""
    draw = random.Random(seed)  # noqa: S311 - test data
    sellers = [Line(3)] if shared else [Line(1) for _ in range(3)]
    scanners = [Line(2)] if shared else [Line(1) for _ in range(2)]
    rows: list[Row] = []
    visitor = group = 0
    arrival = micros(FIRST_HOUR)

    def add(event_type: str, started: int, ended: int, **fields: Any) -> None:
        rows.append({"event_type": event_type, "started_at": started, "event_time": ended, **fields})

    for bus in range(HOURS * 20):
        arrival += draw.randrange(2 * MINUTE_US, 4 * MINUTE_US)
        party_sizes = [draw.randrange(1, 4) for _ in range(6)]
        common: Row = {"venue_id": venue_id, "bus_id": bus, "arrived_at": arrival}
        add("bus_arrival", arrival, arrival, **common, first_visitor_id=visitor, party_size=sum(party_sizes))
        for size in party_sizes:
            box_office = draw.random() < 0.7
            of_group = common | {
                "group_id": group,
                "channel": "box_office" if box_office else "online",
                "first_visitor_id": visitor,
                "party_size": size,
            }
            at_scanner = arrival
            if box_office:
                line = draw.randrange(len(sellers)) + 1
                joined = arrival + draw.randrange(50, 70) * 1_000_003
                service = draw.randrange(20, 50) * 1_000_033
                served = sellers[line - 1].serve(joined, service)
                at_scanner = served + service
                add("walk_to_seller", arrival, joined, **of_group, line=line)
                add("wait_in_seller_line", joined, served, **of_group, line=line)
                add("buy_tickets", served, at_scanner, **of_group, line=line, amount_cents=size * 2_500)
            line = draw.randrange(len(scanners)) + 1
            joined = at_scanner + draw.randrange(25, 35) * 1_000_007
            for member in range(size):
                service = draw.randrange(5, 15) * 1_000_001
                scanned = scanners[line - 1].serve(joined, service)
                of_visitor = of_group | {"first_visitor_id": visitor + member, "party_size": 1, "line": line}
                add("walk_to_scanner", at_scanner, joined, **of_visitor)
                add("wait_in_scanner_line", joined, scanned, **of_visitor)
                add("scan_tickets", scanned, scanned + service, **of_visitor)
            visitor += size
            group += 1
    return sorted(rows, key=lambda row: row["event_time"])


def receipts(rows: list[Row], venue_id: str) -> list[Row]:
    """The seven receipts of every hour that ``rows`` touch."""
    counted: dict[tuple[int, str], list[Row]] = defaultdict(list)
    for row in rows:
        counted[hour_start_us(row["event_time"]), row["event_type"]].append(row)
    first, last = hour_start_us(rows[0]["event_time"]), hour_start_us(rows[-1]["event_time"])
    return [
        {
            "event_type": "hour_closed",
            "venue_id": venue_id,
            "event_time": hour + HOUR_US - 1,
            "hour_start": hour,
            "of_event_type": str(event_type),
            "servers": {"buy_tickets": 3, "scan_tickets": 2}.get(event_type),
            "run_venues": 2,
            "final": hour == last,
            **sums(counted[hour, event_type], event_type),
        }
        for hour in range(first, last + 1, HOUR_US)
        for event_type in ACTIVITY_TYPES
    ]


def sums(rows: list[Row], event_type: str) -> Row:
    """What the receipt of ``rows`` states of them."""
    return {
        "event_count": len(rows),
        "duration_us": sum(row["event_time"] - row["started_at"] for row in rows),
        "visitors": sum(row["party_size"] for row in rows),
        "visitor_us": sum((row["event_time"] - row["started_at"]) * row["party_size"] for row in rows),
        "revenue_cents": sum(row["amount_cents"] for row in rows) if event_type == "buy_tickets" else None,
        "time_in_system_us": sum((row["event_time"] - row["arrived_at"]) * row["party_size"] for row in rows)
        if event_type == "scan_tickets"
        else None,
    }


def filed(rows: list[Row], run_id: str, venue_id: str) -> list[Row]:
    """``rows`` with the columns that every message has, and those that the stream adds."""
    for sequence, row in enumerate(rows):
        time = datetime.fromtimestamp(row["event_time"] // 1_000_000, UTC)
        row |= {
            "schema_version": 1,
            "event_id": f"{run_id}-{venue_id}-{sequence}",
            "run_id": run_id,
            "topic": f"ticketsim.{row['event_type']}",
            "kafka_partition": 0,
            "kafka_offset": sequence,
            "kafka_timestamp": row["event_time"],
            "ingested_at": row["event_time"],
            "event_date": time.date(),
            "event_hour": time.hour,
        }
    for receipt in rows:
        if receipt["event_type"] == "hour_closed":
            receipt["digest"] = digest_of(receipt, counted_by(receipt, rows))
    return rows


def counted_by(receipt: Row, rows: list[Row]) -> list[Row]:
    """The events that a receipt counts."""
    cell = receipt["hour_start"], receipt["of_event_type"]
    return [row for row in rows if (hour_start_us(row["event_time"]), row["event_type"]) == cell]


def raw_rows() -> list[Row]:
    """One run of two venues: north has lines of its own for every server, south one shared line per stage."""
    rows = []
    for seed, (venue_id, shared) in enumerate([("north", False), ("south", True)]):
        done = activities(venue_id, seed, shared)
        rows += filed(done + receipts(done, venue_id), "run", venue_id)
    return rows


def patient_rows() -> list[Row]:
    """A run whose one visitor is sold a ticket for three hours, from 22:10, and takes 28 hours to the scanner."""
    begin = micros(FIRST_HOUR) + 5 * MINUTE_US
    sold, there = begin + 185 * MINUTE_US, begin + (185 + 28 * 60) * MINUTE_US
    party: Row = {"venue_id": "slow", "bus_id": 0, "arrived_at": begin, "first_visitor_id": 0, "party_size": 1}
    member = party | {"group_id": 0, "channel": "box_office", "line": 1}
    times = [
        ("bus_arrival", begin, begin, party),
        ("walk_to_seller", begin, begin + 5 * MINUTE_US, member),
        ("wait_in_seller_line", begin + 5 * MINUTE_US, begin + 5 * MINUTE_US, member),
        ("buy_tickets", begin + 5 * MINUTE_US, sold, member | {"amount_cents": 2_500}),
        ("walk_to_scanner", sold, there, member),
        ("wait_in_scanner_line", there, there, member),
        ("scan_tickets", there, there + MINUTE_US, member),
    ]
    done = [fields | {"event_type": kind, "started_at": start, "event_time": end} for kind, start, end, fields in times]
    return filed(done + receipts(done, "slow"), "patient", "slow")


def write_raw(path: Path, rows: list[Row]) -> None:
    """Create the raw tables in the file at ``path`` and fill raw.events with ``rows``."""
    schema = pa.schema([(column.name, ARROW_TYPES[column.type]) for column in RAW_EVENTS])
    incoming = pa.Table.from_pylist(rows, schema=schema)
    with duckdb.connect(path) as connection:
        for statement in create_statements():
            connection.execute(statement)
        connection.register("incoming", incoming)
        connection.execute("insert into raw.events select * from incoming order by event_time")


def window(first: int, hours: int = 1) -> tuple[str, ...]:
    """dbt's options for the window of ``hours`` hours that begins ``first`` hours after the first."""
    start = FIRST_HOUR + timedelta(hours=first)
    end = start + timedelta(hours=hours)
    return ("--event-time-start", f"{start:%Y-%m-%dT%H:%M:%S}", "--event-time-end", f"{end:%Y-%m-%dT%H:%M:%S}")


#: Several commands in one process, because importing dbt takes longer than building an hour: each on its own warehouse.
RUN_ALL = """
import json, os, sys
from pathlib import Path
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
outcomes, red = [], []
for environment, arguments, linked in json.loads(sys.argv[1]):
    os.environ |= environment
    if linked:
        DuckDBConnectionManager.close_all_connections()
        Path(linked[0]).unlink(missing_ok=True)
        Path(linked[0]).symlink_to(linked[1])
    outcomes.append(dbtRunner().invoke(arguments))
    results = getattr(outcomes[-1].result, "results", [])
    red.append([result.node.name for result in results if result.status in ("fail", "warn", "error")])
print("".join(f"{outcome.exception}\\n" for outcome in outcomes if outcome.exception))
print(json.dumps([[outcome.success for outcome in outcomes], red]))
"""

HOURLY_MARTS = (
    "fct_queue_waits",
    "fct_ticket_sales",
    "fct_admissions",
    "fct_visitor_journeys",
    "agg_line_hourly",
    "agg_venue_hourly",
    "agg_wait_histogram_hourly",
    "agg_time_in_system_hourly",
    "agg_journey_hourly",
    "agg_occupancy_5min",
)

DIMENSIONS = ("dim_runs", "dim_venues", "dim_lines")

#: Of a mart that is a view nothing is stored.
VIEWS = ("reconciliation_hourly", "reconciliation_marts_hourly", "report_visitors_hourly", "report_processing_hourly")

#: A view of what is the same for all runs.
BINS = "dim_duration_bins"

#: A view of what is in no run.
QUARANTINE = "agg_quarantine_hourly"

BUILD = ("build", "--exclude-resource-type", "unit_test")


#: What somebody might do to an hour of a mart, by the data test that must see it: one more in a column of some rows.
ONE_MORE = {
    "lines_add_up_to_their_venue": ("agg_line_hourly", "served", "stage = 'seller' and line = 1"),
    "waits_add_up_to_their_venue": ("fct_queue_waits", "wait_us", "true"),
    "histogram_adds_up_to_the_waits": ("agg_wait_histogram_hourly", "visitors", "true"),
    "busy_time_is_the_sum_of_services": ("agg_line_hourly", "busy_us", "stage = 'scanner' and line = 2"),
    "revenue_is_the_sum_of_sales": ("fct_ticket_sales", "amount_cents", "true"),
    "admissions_add_up_to_their_venue": ("fct_admissions", "time_in_system_us", "true"),
    "time_in_system_is_the_sum_of_its_parts": ("fct_visitor_journeys", "walk_to_scanner_us", "true"),
}


class Dbt:
    """The real dbt, on the warehouse that ``environment`` names."""

    def __init__(self, target_path: Path, environment: dict[str, str]) -> None:
        self.target_path = target_path
        self.environment = environment
        self.linked: tuple[str, str] | None = None  #: a link on the warehouse's path, and where it has to lead

    def in_place(self, arguments: Sequence[str]) -> list[str]:
        """``arguments`` with the options that say where project, profile and target are."""
        return [
            *arguments,
            *("--project-dir", str(DBT_DIR), "--profiles-dir", str(DBT_DIR)),
            *("--target-path", str(self.target_path), "--log-path", str(self.target_path)),
        ]


class Warehouse(Dbt):
    """One DuckDB file, alone in its folder, and the real dbt on it.

    dbt knows all of them by one path, a link: with another path it would parse the whole project again, which takes as
    long as the test of all marts.
    """

    FILE = "warehouse.duckdb"

    def __init__(self, folder: Path, target_path: Path) -> None:
        link = target_path.with_name("linked")
        super().__init__(target_path, {"TICKETSIM_WAREHOUSE_PATH": str(link / self.FILE)})
        self.linked = (str(link), str(folder))
        self.folder = folder
        self.path = folder / self.FILE
        folder.mkdir(exist_ok=True)

    def link(self) -> None:
        """Let the path that dbt knows lead here."""
        link, folder = map(Path, self.linked)
        link.unlink(missing_ok=True)
        link.symlink_to(folder)

    def dbt(self, *commands: tuple[str, ...]) -> tuple[list[bool], str]:
        """Run dbt commands one after another; whether each succeeded, and what they printed."""
        outcomes, _, printed = run_all((self, command) for command in commands)
        return outcomes, printed

    def build(self, *windows: tuple[str, ...]) -> None:
        """Build the hours of each of ``windows``, one after another."""
        outcomes, printed = self.dbt(*((*BUILD, *options) for options in windows))
        assert all(outcomes), printed

    def execute(self, sql: str) -> None:
        """Run one statement."""
        with duckdb.connect(self.path) as connection:
            connection.execute(sql)

    def rows(self, sql: str) -> list[Row]:
        """The rows of a query."""
        with duckdb.connect(self.path, read_only=True) as connection:
            result = connection.execute(sql)
            names = [column[0] for column in result.description]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def copied(self, folder: Path) -> "Warehouse":
        """A copy in ``folder`` that shares dbt's parsed project."""
        copy = Warehouse(folder, self.target_path)
        shutil.copy(self.path, copy.path)
        return copy

    def digests(self) -> dict[tuple[str, datetime], str]:
        """A digest of every hour of every hourly mart; equal digests mean equal rows."""
        found = {}
        for table in HOURLY_MARTS:
            hours = self.rows(f"""
                select hour_start, md5(string_agg(t::varchar, '|' order by t::varchar)) as digest
                from marts.{table} as t group by hour_start
            """)
            found |= {(table, row["hour_start"]): row["digest"] for row in hours}
        return found

    def dimensions(self) -> dict[str, list[Row]]:
        """Every row of every dimension."""
        return {table: self.rows(f"select * from marts.{table} order by all") for table in DIMENSIONS}


def run_all(commands: Iterable[tuple[Dbt, Sequence[str]]]) -> tuple[list[bool], list[list[str]], str]:
    """Run dbt commands one after another; whether each succeeded, its nodes that did not pass, and what was printed."""
    asked = [(dbt.environment, dbt.in_place(command), dbt.linked) for dbt, command in commands]
    finished = subprocess.run(
        [sys.executable, "-c", RUN_ALL, json.dumps(asked)], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    outcomes, red = json.loads(finished.stdout.splitlines()[-1])
    return outcomes, red, finished.stdout


@pytest.fixture(scope="session")
def built_file(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A warehouse built as a whole, once, by the command line as an operator would; tests copy it."""
    folder = tmp_path_factory.mktemp("warehouse")
    built = Warehouse(folder / "built", folder / "target")
    write_raw(built.path, raw_rows())
    built.link()
    finished = subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), *built.in_place(("build",))],
        env=os.environ | built.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    shutil.copy(built.target_path / "run_results.json", built.folder)
    return built


@pytest.fixture
def outcomes(built_file: Warehouse) -> dict[str, str]:
    """The status of every node of the build of everything, unit tests included, by dbt's unique id."""
    results = json.loads((built_file.path.parent / "run_results.json").read_text())["results"]
    return {result["unique_id"]: result["status"] for result in results}


@pytest.fixture
def built(built_file: Warehouse, tmp_path: Path) -> Warehouse:
    """A copy, for the test alone, of the warehouse built as a whole; shares dbt's parsed project, to save time."""
    return built_file.copied(tmp_path / "built")


@pytest.fixture
def unbuilt(built_file: Warehouse, tmp_path: Path) -> Warehouse:
    """A warehouse with raw rows and no models."""
    unbuilt = Warehouse(tmp_path / "unbuilt", built_file.target_path)
    write_raw(unbuilt.path, raw_rows())
    return unbuilt


@pytest.fixture
def hour() -> Callable[..., tuple[str, ...]]:
    """``hour(n)``: dbt's options for the n-th hour of the data, from 0; ``hour(n, hours=3)``: for three."""
    return window
