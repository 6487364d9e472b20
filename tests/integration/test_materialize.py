"""The graph for real, on simulated hours; guarantees 1, 3 and 4 (docs/guarantees.md) broken on purpose."""

import shutil
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import psutil
import pytest
from deltalake import DeltaTable

from simulator.run import plan_run, simulate
from simulator.scenario import load_scenario
from streaming.hour import Hour
from ticketsim_assets.keys import LAKE_COMPLETE, RAW_EVENTS

from ..dbt.conftest import DIMENSIONS, HOURLY_MARTS
from ..ticketsim_assets.conftest import LakeMaker, Recorder, digested_anew, fields, hour_of, simulated
from .conftest import CommandLine, figures

pytestmark = pytest.mark.slow

START = datetime(2026, 3, 1, 10, tzinfo=UTC)
FIRST = Hour(START)


@pytest.fixture(scope="module")
def messages():
    sink = Recorder()
    run = plan_run(load_scenario("stable"), seed=5, start=START, hours=1.2, venues=2, run_id="planted")
    simulate(run, sink)
    return sink.messages


@pytest.fixture(scope="module")
def loaded(tmp_path_factory, messages):
    """A home whose hours have all been materialised once, as those that were due."""
    home = tmp_path_factory.mktemp("loaded")
    maker = LakeMaker(home / "lake")
    maker.append(messages)
    hours = sorted({hour_of(m) for m in messages})
    answer = CommandLine(home, 9)("materialize", "--due", "--json")
    assert answer.code == 0, answer.err
    return maker, hours, answer


@pytest.fixture
def copy(loaded, tmp_path):
    """The loaded home again, for a test to spoil: (command line, lake)."""
    maker, _, _ = loaded
    shutil.copytree(maker.root.parent, tmp_path / "home")
    return CommandLine(tmp_path / "home", 9), LakeMaker(tmp_path / "home" / "lake", dict(maker.offsets))


def test_all_that_is_due_is_one_run_and_every_hour_is_recorded_and_proved(loaded):
    maker, hours, answer = loaded
    assert answer.json["hours"] == [str(hour) for hour in hours]
    assert [run["job"] for run in answer.json["runs"]] == ["hourly", "rebuild_dashboard"]
    home = maker.root.parent
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        keys = {hour.key for hour in hours}
        for key in (RAW_EVENTS, LAKE_COMPLETE, *(dg.AssetKey(["marts", mart]) for mart in HOURLY_MARTS)):
            assert instance.get_materialized_partitions(key) == keys, key
        assert recorded_rows(instance) == counted_rows(home, hours)
        loads = instance.fetch_materializations(RAW_EVENTS, limit=100).records
        assert all(load.asset_materialization.metadata["Execution Duration"].value > 0 for load in loads)
        check = instance.get_latest_asset_check_evaluation_record(dg.AssetCheckKey(RAW_EVENTS, "receipts"))
        assert check.event.dagster_event.asset_check_evaluation_data.passed
    reconciled = CommandLine(home, 9)("reconcile", "--json")
    assert reconciled.code == 0, reconciled.err
    assert reconciled.json["proved"] == 2 * 7 * len(hours)
    assert CommandLine(home, 9)("dashboard", "--json").json["states"] == {
        "proved": 2 * 7 * len(hours),
        "counted": 0,
        "unproved": 0,
        "wrong": 0,
    }


def recorded_rows(instance: dg.DagsterInstance) -> dict[tuple[str, str | None], int]:
    """What Dagster plots: rows per mart and hour, and of dimensions as a whole."""
    return {
        (mart, event.partition_key): event.asset_materialization.metadata["dagster/row_count"].value
        for mart in (*HOURLY_MARTS, *DIMENSIONS)
        for event in instance.fetch_materializations(dg.AssetKey(["marts", mart]), limit=100).records
    }


def counted_rows(home: Path, hours: list[Hour]) -> dict[tuple[str, str | None], int]:
    with duckdb.connect(home / "warehouse.duckdb", read_only=True) as connection:

        def count(mart: str, condition: str) -> int:
            return connection.execute(f"select count(*) from marts.{mart} where {condition}").fetchall()[0][0]

        of_hours = {
            (mart, hour.key): count(mart, f"hour_start = '{hour.start:%Y-%m-%d %H:%M:%S}'")
            for mart in HOURLY_MARTS
            for hour in hours
        }
        return of_hours | {(mart, None): count(mart, "true") for mart in DIMENSIONS}


def test_status_tells_what_is_loaded_and_proved_while_the_warehouse_is_busy(loaded):
    maker, hours, _ = loaded
    home = maker.root.parent
    with duckdb.connect(home / "warehouse.duckdb"):
        answer = CommandLine(home, 9)("status", "--json")
    assert answer.code == 0, answer.err
    told = answer.json
    states = {name: station["state"] for name, station in told.items()}
    assert states == {
        "broker": "absent",
        "stream": "stopped",
        "lake": "there",
        "dagster": "stopped",
        "warehouse": "there",
        "dashboard": "there",
    }
    assert told["lake"]["rows"] == sum(maker.offsets.values())
    assert (told["lake"]["hours"], told["lake"]["quarantined"]) == (len(hours), 0)
    assert told["dagster"]["runs"] == {"SUCCESS": 2}
    assert (told["dagster"]["due_hours"], told["dagster"]["pending_hours"]) == ([], {})
    assert (told["warehouse"]["hours"], told["warehouse"]["newest_hour"]) == (len(hours), str(hours[-1]))
    assert [told["warehouse"][name] for name in ("proved", "unproved", "wrong")] == [2 * 7 * len(hours), 0, 0]


def test_a_run_killed_between_two_marts_leaves_every_table_whole_and_the_next_run_repairs_them(copy, loaded):
    ticketsim, maker = copy
    late = simulated(hours=1.2, run_id="late")
    assert {hour_of(message) for message in late} == set(loaded[1])
    maker.append(late)  # in every hour, so that every table shall change
    before = figures(ticketsim.home)
    command = ("materialize", "--from", str(loaded[1][0]), "--to", str(loaded[1][-1]))
    log = ticketsim.home / "logs" / "materialize.log"
    already_said = log.stat().st_size
    killed = ticketsim.start(*command, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 300
        while not log.read_bytes()[already_said:].count(b"OK created sql incremental model") >= 2:
            assert killed.poll() is None, "it ended before it had built two marts"
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.01)
        [dbt] = [child for child in psutil.Process(killed.pid).children() if "build" in child.cmdline()]
    finally:
        killed.kill()
        killed.wait()
    assert not psutil.wait_procs([dbt], timeout=5)[1], "dbt outlives its run and has the warehouse"
    with duckdb.connect(ticketsim.home / "warehouse.duckdb"):
        pass  # what was committed last is in its log until somebody opens the file for writing
    between = figures(ticketsim.home)
    assert ticketsim(*command).code == 0
    after = figures(ticketsim.home)
    for table, rows in between.items():
        assert before[table] != after[table], table
        assert rows in (before[table], after[table]), f"{table} is neither what it was nor what it shall be"
    renewed = [table for table in between if between[table] == after[table]]
    assert 2 <= len(renewed) < len(between), renewed
    reconciled = ticketsim("reconcile", "--strict", "--json")
    assert reconciled.code == 0, reconciled.out
    assert reconciled.json["proved"] == 2 * 2 * 7 * len(loaded[1])


def test_materialising_a_range_again_cures_a_deleted_row_that_reconcile_names_and_changes_no_other_figure(copy, loaded):
    ticketsim, _ = copy
    before = figures(ticketsim.home)
    with duckdb.connect(ticketsim.home / "warehouse.duckdb") as connection:
        [(victim, venue, hour)] = connection.execute(
            "select event_id, venue_id, date_trunc('hour', event_time) from raw.events "
            "where event_type = 'scan_tickets' limit 1"
        ).fetchall()
        connection.execute("delete from raw.events where event_id = ?", [victim])
    answer = ticketsim("reconcile", "--json")
    assert answer.code == 1
    [problem] = answer.json["problems"]
    assert (problem["venue_id"], problem["event_type"], problem["state"]) == (venue, "scan_tickets", "wrong")
    assert f"{hour:%Y-%m-%dT%H}" in str(problem["hour"])
    assert [(event["finding"], event["event_id"]) for event in answer.json["events"]] == [("missing", victim)]
    again = ticketsim("materialize", "--from", str(loaded[1][0]), "--to", str(loaded[1][-1]), "--json")
    assert again.code == 0, again.err
    assert [run["job"] for run in again.json["runs"]] == ["hourly", "rebuild_dashboard"]
    assert ticketsim("reconcile").code == 0
    assert figures(ticketsim.home) == before


def test_an_event_that_no_receipt_counts_turns_the_hour_red_and_stops_what_is_downstream(copy, messages):
    ticketsim, maker = copy
    topic, value = next(m for m in messages if m[0] == "ticketsim.scan_tickets" and hour_of(m) == FIRST)
    maker.append([(topic, value.replace(fields((topic, value))["event_id"].encode(), b"planted-venue-1-999999"))])
    before = figures(ticketsim.home)
    answer = ticketsim("materialize", "--hour", str(FIRST))
    assert answer.code == 1
    for named in ("venue-1", str(FIRST), "scan_tickets", "1 more"):
        assert named in answer.err.replace("\n", " ")
    after = figures(ticketsim.home)
    assert len(after["raw.events"]) == len(before["raw.events"]) + 1
    assert all(after[f"marts.{mart}"] == before[f"marts.{mart}"] for mart in (*HOURLY_MARTS, *DIMENSIONS))
    assert ticketsim("reconcile").code == 1
    page = ticketsim("dashboard", "--json").json
    assert page["states"]["wrong"] == 1


def test_a_figure_that_contradicts_another_is_named_and_stops_what_is_downstream(tmp_path, messages):
    ticketsim = CommandLine(tmp_path / "home", 9)
    scan = next(m for m in messages if m[0] == "ticketsim.scan_tickets" and hour_of(m) == FIRST)
    # three on one ticket, as its receipt says, too
    crowd = (scan[0], scan[1].replace(b'"party_size":1,', b'"party_size":3,'))
    assert crowd != scan
    LakeMaker(ticketsim.home / "lake").append(digested_anew([crowd if m == scan else m for m in messages]))
    answer = ticketsim("materialize", "--hour", str(FIRST))
    assert answer.code == 1
    said = answer.err.replace("\n", " ")
    for named in ("marts/agg_venue_hourly, check arrivals_are_admitted_or_inside", fields(scan)["venue_id"], "planted"):
        assert named in said
    assert f"{FIRST.start:%Y-%m-%dT%H:%M}Z, visitors_arrived: expected" in said
    with duckdb.connect(ticketsim.home / "warehouse.duckdb", read_only=True) as connection:
        built = {name for (name,) in connection.execute("select table_name from information_schema.tables").fetchall()}
    assert "agg_venue_hourly" in built
    assert not {"agg_line_hourly", *DIMENSIONS} & built
    with dg.DagsterInstance.from_config(str(ticketsim.home / "dagster")) as instance:
        key = dg.AssetCheckKey(dg.AssetKey(["marts", "agg_venue_hourly"]), "arrivals_are_admitted_or_inside")
        red = instance.get_latest_asset_check_evaluation_record(key).event.dagster_event.asset_check_evaluation_data
    assert not red.passed
    assert red.severity is dg.AssetCheckSeverity.ERROR
    [row] = red.metadata["rows"].records
    assert (row.data["venue_id"], row.data["figure"]) == (fields(scan)["venue_id"], "visitors_arrived")
    assert int(row.data["actual"]) > int(row.data["expected"])


def test_an_hour_without_its_receipts_is_refused_unless_it_is_forced_and_then_unproved(tmp_path, messages):
    ticketsim = CommandLine(tmp_path / "home", 9)
    LakeMaker(ticketsim.home / "lake").append([m for m in messages if m[0] != "ticketsim.hour_closed"])
    refused = ticketsim("materialize", "--hour", str(FIRST))
    assert refused.code == 1
    assert "events but no receipt" in ticketsim("status", "--json").json["dagster"]["pending_hours"][FIRST.key]
    assert "is not complete: run planted has events but no receipt" in refused.err.replace("\n", " ")
    assert "Traceback" not in refused.err
    assert ticketsim("materialize", "--hour", str(FIRST), "--allow-incomplete").code == 0
    assert ticketsim("reconcile").code == 0
    assert ticketsim("reconcile", "--strict").code == 1


def test_a_lake_that_lost_rows_loads_nothing(copy):
    ticketsim, maker = copy
    DeltaTable(maker.lake.table_uri).delete("topic = 'ticketsim.scan_tickets' and kafka_offset = 5")
    answer = ticketsim("materialize", "--hour", str(FIRST))
    assert answer.code == 1
    assert "ticketsim.scan_tickets/0" in answer.err.replace("\n", "")


def test_once_all_is_loaded_nothing_is_due_and_a_late_row_makes_its_hour_due_again(copy, loaded, messages):
    ticketsim, maker = copy
    again = ticketsim("materialize", "--due", "--json")
    assert (again.code, again.json) == (0, {"hours": [], "runs": [], "failed": [], "notes": []})
    assert "nothing is due" in again.err
    last = loaded[1][-1]
    maker.append([next(m for m in messages if m[0] == "ticketsim.scan_tickets" and hour_of(m) == last)])
    assert ticketsim("materialize", "--due", "--json").json["hours"] == [str(last)]


def test_of_what_is_due_a_red_hour_fails_the_command_and_the_next_one_loads_the_others(tmp_path, messages):
    ticketsim, maker = CommandLine(tmp_path / "home", 9), LakeMaker(tmp_path / "home" / "lake")
    topic, value = next(m for m in messages if m[0] == "ticketsim.scan_tickets" and hour_of(m) == FIRST)
    planted = value.replace(fields((topic, value))["event_id"].encode(), b"planted-venue-1-999999")
    maker.append([*messages, (topic, planted)])
    hours = sorted({hour_of(message) for message in messages})
    range_failed = ticketsim("materialize", "--due", "--json")
    assert range_failed.code == 1
    [failure] = range_failed.json["failed"]
    assert failure.startswith(f"hours {hours[0]} to {hours[-1]}: ")
    assert "scan_tickets" in range_failed.err.replace("\n", " ")
    one_by_one = ticketsim("materialize", "--due", "--json")
    assert one_by_one.code == 1
    [failure] = one_by_one.json["failed"]
    assert failure.startswith(f"hours {FIRST}: ")
    assert [run["job"] for run in one_by_one.json["runs"]] == ["hourly"] * (len(hours) - 1) + ["rebuild_dashboard"]
    problems = ticketsim("reconcile", "--json").json["problems"]
    assert {problem["state"] for problem in problems} == {"wrong"}


@pytest.mark.parametrize(
    "arguments",
    [(), ("--due", "--hour", "2026-03-01T10:00"), ("--from", "2026-03-01T10:00"), ("--due", "--allow-incomplete")],
)
def test_hours_are_named_in_exactly_one_way(tmp_path, arguments):
    answer = CommandLine(tmp_path, 9)("materialize", *arguments)
    assert answer.code == 2
    assert "--due" in answer.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--hour", "yesterday"), "Invalid hour 'yesterday'"),
        (("--hour", "2026-03-01T10:30"), "not the start of an hour"),
        (("--hour", "2020-01-01T00:00"), "before the first partition"),
        (("--hour", f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%dT%H:00}"), "has not begun"),
        (("--from", "2026-03-02T00:00", "--to", "2026-03-01T00:00"), "before it begins"),
    ],
)
def test_hours_that_do_not_exist_are_refused_by_name(tmp_path, arguments, said):
    answer = CommandLine(tmp_path, 9)("materialize", *arguments)
    assert answer.code == 1
    assert said in answer.err.replace("\n", " ")
