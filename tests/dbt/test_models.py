"""The dbt project on a real warehouse file: what a window changes, and whether the figures are right."""

import json
import math
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from simulator.events import HOUR_US
from ticketsim_assets.checks.reconciliation import read_problems, read_reconciliation
from ticketsim_assets.warehouse.duckdb_connection import DuckDBReader

from .conftest import (
    BINS,
    BUILD,
    DIMENSIONS,
    HOURLY_MARTS,
    ONE_MORE,
    QUARANTINE,
    VIEWS,
    Warehouse,
    patient_rows,
    run_all,
    write_raw,
)

pytestmark = pytest.mark.slow

MIDNIGHT = datetime(2026, 11, 21)  # noqa: DTZ001 the marts' times are naive and UTC
ONE_HOUR = timedelta(hours=1)

#: Receipts as earlier releases sent them: those of today would contradict rows that a test has changed.
NO_SUMS = "update raw.events set visitors = null, visitor_us = null, revenue_cents = null, time_in_system_us = null"

#: What follows from admissions alone, which no sale changes.
OF_ADMISSIONS = ("fct_admissions", "agg_time_in_system_hourly")

INCOMPLETE = "select count(*) as journeys from marts.fct_visitor_journeys where not is_complete"


def changed(before: dict, after: dict) -> set:
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def test_hours_built_one_after_another_equal_a_build_of_everything(built, unbuilt, hour):
    unbuilt.build(*(hour(n) for n in range(5)))
    assert unbuilt.digests() == built.digests()
    assert unbuilt.dimensions() == built.dimensions()


def test_windows_out_of_order_that_overlap_equal_a_build_of_everything(built, unbuilt, hour):
    unbuilt.build(hour(2, hours=3), hour(0, hours=3), hour(1))
    assert unbuilt.digests() == built.digests()
    assert unbuilt.dimensions() == built.dimensions()
    assert len(built.digests()) == len(HOURLY_MARTS) * 5


def test_late_rows_change_their_hour_of_the_lines_the_hour_before_and_of_the_journeys_those_that_reach_back(
    built, hour
):
    before = built.digests()
    later = f"select * from marts.fct_visitor_journeys where hour_start = '{MIDNIGHT + ONE_HOUR}'"
    journeys = {row["event_id"]: row for row in built.rows(later)}
    built.execute("""
        update raw.events set started_at = started_at - interval 20 second
        where event_type in ('buy_tickets', 'wait_in_seller_line')
    """)
    built.execute(NO_SUMS)
    built.build(hour(2))
    assert changed(before, built.digests()) == {
        *((mart, MIDNIGHT) for mart in HOURLY_MARTS if mart not in OF_ADMISSIONS),
        *((mart, MIDNIGHT - ONE_HOUR) for mart in ("agg_line_hourly", "agg_occupancy_5min")),
        *((mart, MIDNIGHT + ONE_HOUR) for mart in ("fct_visitor_journeys", "agg_journey_hourly")),
    }
    after = {row["event_id"]: row for row in built.rows(later)}
    rebuilt = [row for row in after.values() if row != journeys[row["event_id"]]]
    assert rebuilt
    assert all(row["arrived_at"] < MIDNIGHT + ONE_HOUR and row["channel"] == "box_office" for row in rebuilt)
    assert after.keys() == journeys.keys()


def test_services_of_hours_and_journeys_of_days_are_right_in_whatever_order_their_hours_are_built(
    built_file, tmp_path, hour
):
    whole, forwards, backwards = (Warehouse(tmp_path / f"{n}", built_file.target_path) for n in range(3))
    for warehouse in (whole, forwards, backwards):
        write_raw(warehouse.path, patient_rows())
    whole.build(())
    forwards.build(hour(0), hour(1, hours=2), hour(3, hours=29))
    backwards.build(hour(3, hours=29), hour(0, hours=3))
    assert forwards.digests() == backwards.digests() == whole.digests()
    assert forwards.dimensions() == backwards.dimensions() == whole.dimensions()
    assert busy_minutes(whole) == [50, 60, 60, 10]
    assert whole.rows("select is_complete, gaps_us from marts.fct_visitor_journeys") == [
        {"is_complete": True, "gaps_us": 0}
    ]
    forwards.execute("update raw.events set started_at = '2026-11-21 00:40:00' where event_type = 'buy_tickets'")
    forwards.execute(NO_SUMS)
    forwards.build(hour(3))
    assert busy_minutes(forwards) == [0, 20, 10]  # somebody waited in the first


def busy_minutes(warehouse: Warehouse) -> list[float]:
    """The minutes that the sellers were busy in, hour by hour."""
    lines = warehouse.rows("select busy_us from marts.agg_line_hourly where stage = 'seller' order by hour_start")
    return [line["busy_us"] / 60_000_000 for line in lines]


def test_an_hour_loaded_late_completes_the_journeys_that_went_on_without_it(built, unbuilt, hour):
    unbuilt.build(hour(0, hours=2), hour(3, hours=2))
    [(missing,)] = [tuple(row.values()) for row in unbuilt.rows(INCOMPLETE)]
    assert missing > 0
    unbuilt.build(hour(2))
    assert unbuilt.rows(INCOMPLETE) == built.rows(INCOMPLETE) == [{"journeys": 0}]
    assert unbuilt.digests() == built.digests()


def test_the_hour_before_the_first_built_one_does_not_appear(unbuilt, hour):
    unbuilt.build(hour(2))
    assert {start for _, start in unbuilt.digests()} == {MIDNIGHT}


def test_an_hour_whose_raw_rows_are_gone_disappears(built, hour):
    built.execute("delete from raw.events where event_date = date '2026-11-21' and event_hour = 0")
    built.build(hour(2))
    assert MIDNIGHT not in {start for _, start in built.digests()}


def test_windows_of_half_hours_and_full_refreshes_of_a_window_are_refused_and_change_nothing(built, hour):
    before = built.digests()
    outcomes, printed = built.dbt(
        ("run", "--event-time-start", "2026-11-21T00:30:00", "--event-time-end", "2026-11-21T01:00:00"),
        ("run", "--full-refresh", *hour(2)),
    )
    assert outcomes == [False, False]
    assert "2026-11-21T00:30:00 is not the start of an hour" in printed
    assert "would drop all other hours" in printed
    assert built.digests() == before


def test_data_tests_of_a_window_read_that_window_only(built, hour):
    built.execute("""
        insert into marts.agg_venue_hourly
        select * from marts.agg_venue_hourly where hour_start < timestamp '2026-11-21'
    """)
    outcomes, printed = built.dbt((*BUILD, *hour(3)), ("test", "--exclude-resource-type", "unit_test"))
    assert outcomes == [True, False], printed
    assert "Failure in test unique_combination_of_columns_agg_venue_hourly" in printed


#: What somebody might do to a mart, and the tests that must see it. One venue, one hour; the others stay green.
WRONG_FIGURES = {
    **{
        f"one more {column} in {mart}": (
            f"update marts.{mart} set {column} = {column} + 1 where {rows}",
            {test, *({"marts_equal_their_receipts"} if column in {"served", "visitors"} else ())},
        )
        for test, (mart, column, rows) in ONE_MORE.items()
    },
    "a server works more than all the time": (
        "update marts.agg_line_hourly set utilisation = 1.01 where line = 1",
        {"line_figures_are_possible"},
    ),
    "a percentile is that of other waits": (
        "update marts.agg_line_hourly set wait_p95_us = wait_max_us * 2, wait_max_us = wait_max_us * 2 where line = 1",
        {"percentiles_lie_in_their_bins"},
    ),
    "more people at the start than at most": (
        "update marts.agg_occupancy_5min set waiting = waiting_max + 1 where minute(slot_start) = 5",
        {"occupancy_is_possible"},
    ),
    "somebody is forgotten when the hour begins": (
        "update marts.agg_occupancy_5min set walking = 0, waiting = 0, serving = 0 where slot_start = hour_start",
        {"occupancy_is_who_came_and_is_not_in"},
    ),
    "a journey is lost": (
        "delete from marts.fct_visitor_journeys where first_visitor_id % 2 = 0",
        {"admissions_add_up_to_their_venue"},
    ),
    "somebody is neither admitted nor inside": (
        "update marts.agg_venue_hourly set arrivals_inside = arrivals_inside - 1",
        {"arrivals_are_admitted_or_inside", "marts_equal_their_receipts"},
    ),
    "a part of a journey is missing": (
        "update marts.fct_visitor_journeys set is_complete = false where first_visitor_id % 2 = 0",
        {"journeys_are_whole"},
    ),
    "a row stands there twice": (
        "insert into marts.dim_venues from marts.dim_venues",
        {"unique_combination_of_columns_dim_venues_run_id__venue_id", "occupancy_is_who_came_and_is_not_in"},
    ),
    "a venue's run is unknown": (
        "delete from marts.dim_runs",
        {
            "relationships_dim_venues_run_id__run_id__ref_dim_runs_",
            "relationships_dim_lines_run_id__run_id__ref_dim_runs_",
        },
    ),
}


#: They find what is missing as well as what is wrong.
THAT_ONLY_WARN = {"journeys_are_whole", "occupancy_is_who_came_and_is_not_in"}


def test_each_wrong_figure_turns_exactly_the_test_red_that_states_its_identity(built, tmp_path):
    spoilt = []
    for number, (statement, _) in enumerate(WRONG_FIGURES.values()):
        spoilt.append(built.copied(tmp_path / f"{number}"))
        there = "" if "dim_" in statement else f" hour_start = '{MIDNIGHT}' and venue_id = 'north'"
        spoilt[-1].execute(statement + (" and" if there and " where " in statement else there and " where") + there)
    command = ("test", "--exclude-resource-type", "unit_test")
    outcomes, red, printed = run_all((warehouse, command) for warehouse in spoilt)
    assert dict(zip(WRONG_FIGURES, map(set, red), strict=True)) == {
        name: tests for name, (_, tests) in WRONG_FIGURES.items()
    }, printed
    warned_only = [tests <= THAT_ONLY_WARN for _, tests in WRONG_FIGURES.values()]
    assert outcomes == warned_only


def test_visitors_that_nobody_brought_are_noticed_unless_the_hour_has_no_receipts(built, hour):
    built.execute(f"""
        update raw.events set party_size = 3 where venue_id = 'north' and event_type = 'scan_tickets'
        and event_time >= '{MIDNIGHT}' and event_time < '{MIDNIGHT + ONE_HOUR}'
    """)
    unproved = built.copied(built.folder.with_name("unproved"))
    unproved.execute("delete from raw.events where venue_id = 'north' and event_type = 'hour_closed'")
    run = ("run", "--select", "agg_venue_hourly", *hour(2))
    test = ("test", "--select", "arrivals_are_admitted_or_inside")
    outcomes, red, _ = run_all((which, command) for which in (built, unproved) for command in (run, test))
    assert red == [[], ["arrivals_are_admitted_or_inside"], [], []]
    assert outcomes == [True, False, True, True]


#: What reads tables so small that those of a year are as many row groups as those of a day.
SMALL = ("agg_wait_histogram_hourly", "agg_time_in_system_hourly", "agg_journey_hourly")


def test_an_hour_reads_no_more_of_a_year_than_of_a_day(built, hour, tmp_path):
    year = built.copied(tmp_path / "year")
    lengthen(year.path, days=365)
    (success,), printed = year.dbt(("run", "--select", "marts", *hour(2)))
    assert success, printed
    compiled = year.target_path / "compiled/ticketsim/models/marts"
    for mart in (*HOURLY_MARTS, *DIMENSIONS):
        sql = (compiled / f"{mart}.sql").read_text()
        read, of = row_groups(year.path, sql)
        _, of_a_day = row_groups(built.path, sql)
        # the hour may lie across the edge of two row groups in each table that is read
        assert read <= 2 * of_a_day, f"{mart} reads {read} row groups of {of}"
        assert of > 2 * of_a_day or mart in (*DIMENSIONS, *SMALL), "the year proves nothing"


def row_groups(path: Path, sql: str) -> tuple[int, int]:
    """How many row groups ``sql`` reads in the file, and how many its tables have; DuckDB skips or reads them whole."""
    with duckdb.connect(path, read_only=True) as connection:
        profile = connection.execute(f"explain (analyze, format json) {sql}").fetchall()[0][1]
    query = json.loads(profile)["query"]
    return query["total_row_groups_scanned"], query["total_row_groups_to_scan"]


def lengthen(path: Path, days: int) -> None:
    """Give the warehouse a history: every row again on each of the ``days`` before, in order of time."""
    with duckdb.connect(path) as connection:
        for table in ("raw.events", *(f"marts.{mart}" for mart in HOURLY_MARTS)):
            columns = connection.execute(f"select column_name, column_type from (describe {table})").fetchall()
            shifted = ", ".join(
                f"({name} - to_days(days_ago))::{kind} as {name}" if kind in ("TIMESTAMP", "DATE") else name
                for name, kind in columns
            )
            connection.execute(f"create temp table one_day as from {table}; delete from {table}")
            days_ago = f"(select cast(range as integer) as days_ago from range({days}))"
            connection.execute(f"insert into {table} select {shifted} from one_day, {days_ago} order by event_date")
            connection.execute("drop table one_day")


def test_docs_are_generated_with_every_model_and_both_dashboards(built):
    (success,), printed = built.dbt(("docs", "generate"))
    assert success, printed
    catalog = json.loads((built.target_path / "catalog.json").read_text())
    marts = {node["metadata"]["name"] for node in catalog["nodes"].values() if node["metadata"]["schema"] == "marts"}
    assert marts == {*HOURLY_MARTS, *DIMENSIONS, *VIEWS, QUARANTINE, BINS}
    manifest = json.loads((built.target_path / "manifest.json").read_text())
    assert {exposure["name"] for exposure in manifest["exposures"].values()} == {"dashboard_page", "data_studio_report"}
    shown = {used for exposure in manifest["exposures"].values() for used in exposure["depends_on"]["nodes"]}
    assert "model.ticketsim.agg_wait_histogram_hourly" in shown


def test_models_unit_tests_and_data_tests_all_pass(outcomes):
    assert set(outcomes.values()) == {"success", "pass", "no-op"}  # no-op: the exposures
    kinds = Counter(unique_id.split(".")[0] for unique_id in outcomes)
    assert kinds["model"] == 11 + len(HOURLY_MARTS) + len(DIMENSIONS) + len(VIEWS) + len([QUARANTINE, BINS])
    assert kinds["unit_test"] == 27
    assert kinds["test"] == 59


def test_percentiles_are_numpys_nearest_rank(built):
    waits = defaultdict(list)
    for wait in built.rows("select venue_id, hour_start, stage, line, wait_us from marts.fct_queue_waits"):
        waits[wait["venue_id"], wait["hour_start"], wait["stage"], wait["line"]].append(wait["wait_us"])
    lines = built.rows("select * from marts.agg_line_hourly where wait_count > 0")
    assert len(lines) == len(waits) > 20
    for line in lines:
        values = np.array(waits[line["venue_id"], line["hour_start"], line["stage"], line["line"]])
        assert line["wait_count"] == len(values)
        assert line["wait_p50_us"] == np.quantile(values, 0.5, method="inverted_cdf")
        assert line["wait_p95_us"] == np.quantile(values, 0.95, method="inverted_cdf")
        assert line["wait_max_us"] == values.max()
        assert line["wait_mean_us"] == math.floor(values.sum() / len(values) + 0.5)


def test_bins_are_four_to_a_doubling_and_hold_all_waits(built):
    edges = [row["from_us"] // 1_000_000 for row in built.rows("select * from marts.dim_duration_bins order by bin")]
    assert edges[:4] == [0, 4, 8, 12]
    assert edges[4:] == [octave * part // 4 for octave in (16 << n for n in range(10)) for part in (4, 5, 6, 7)]
    bins = built.rows("select * from marts.dim_duration_bins order by bin")
    assert [row["to_us"] for row in bins] == [*(row["from_us"] for row in bins[1:]), None]
    (unknown,) = built.rows("""
        select count(*) as waits from marts.agg_wait_histogram_hourly
        where (from_us, to_us) not in (select (from_us, to_us) from marts.dim_duration_bins)
    """)
    assert unknown["waits"] == 0


#: What somebody does at which stage, by event type.
DOING = {
    "walk_to_seller": ("seller", "walking"),
    "wait_in_seller_line": ("seller", "waiting"),
    "buy_tickets": ("seller", "serving"),
    "walk_to_scanner": ("scanner", "walking"),
    "wait_in_scanner_line": ("scanner", "waiting"),
    "scan_tickets": ("scanner", "serving"),
}


def test_people_every_five_minutes_are_those_whose_activities_go_on_in_the_events(built):
    going_on = defaultdict(list)
    for event in built.rows("select * from raw.events where event_type <> 'hour_closed'"):
        if event["event_type"] in DOING:
            stage, state = DOING[event["event_type"]]
            going_on[event["venue_id"], stage, state].append(
                (event["started_at"], event["event_time"], event["party_size"])
            )
    columns = {key: [np.array(column) for column in zip(*rows, strict=True)] for key, rows in going_on.items()}

    def people(venue_id: str, stage: str, state: str, moment: datetime) -> int:
        started, ended, size = columns[venue_id, stage, state]
        return int(size[(started <= moment) & (ended > moment)].sum())

    slots = built.rows("select * from marts.agg_occupancy_5min order by slot_start")
    assert len(slots) == (5 + 4) * 12 * 2
    for slot in slots:
        where = slot["venue_id"], slot["stage"]
        begun = [columns[*where, state][0] for state in ("walking", "waiting", "serving")]
        until = slot["slot_start"] + timedelta(minutes=5)
        moments = [slot["slot_start"], *(time for of in begun for time in of[(of > slot["slot_start"]) & (of < until)])]
        at_most = 0
        for moment in moments:
            now = {state: people(*where, state, moment) for state in ("walking", "waiting", "serving")}
            at_most = max(at_most, sum(now.values()))
            assert all(count <= slot[f"{state}_max"] for state, count in now.items())
            if moment == slot["slot_start"]:
                assert now == {state: slot[state] for state in now}
        assert at_most == slot["people_max"]
    drained = [slot["people_max"] for slot in slots[-2 * 6 :]]
    assert drained == [0] * 12


def test_busy_time_adds_up_to_all_service_time_and_divides_into_utilisation(built):
    (services,) = built.rows("""
        select sum(duration_us) as us from (
            select duration_us from staging.stg_buy_tickets
            union all
            select duration_us from staging.stg_scan_tickets
        )
    """)
    lines = built.rows("select * from marts.agg_line_hourly")
    assert sum(line["busy_us"] for line in lines) == services["us"]
    for line in lines:
        assert line["utilisation"] == pytest.approx(line["busy_us"] / (line["servers"] * HOUR_US))
        expected = 1 if line["venue_id"] == "north" else {"seller": 3, "scanner": 2}[line["stage"]]
        assert line["servers"] == expected


def test_averages_of_any_range_are_weighted_by_visitors(built):
    (marts,) = built.rows("""
        select sum(scan_tickets_visitors) as visitors, sum(buy_tickets_visitor_us) as us,
            sum(visitors_arrived) as arrived, sum(visitors_admitted) as admitted, sum(revenue_cents) as cents,
            sum(time_in_system_us) as in_system
        from marts.agg_venue_hourly
    """)
    rows = built.rows("select * from raw.events")
    of_type = defaultdict(list)
    for row in rows:
        of_type[row["event_type"]].append(row)

    def weighted(event_type: str, since: str) -> int:
        spans = ((row["event_time"] - row[since], row["party_size"]) for row in of_type[event_type])
        return sum(span // timedelta(microseconds=1) * size for span, size in spans)

    assert marts["us"] == weighted("buy_tickets", "started_at")
    assert marts["in_system"] == weighted("scan_tickets", "arrived_at")
    assert marts["arrived"] == marts["admitted"] == marts["visitors"] == len(of_type["scan_tickets"])
    assert marts["cents"] == sum(row["amount_cents"] for row in of_type["buy_tickets"])


def test_everything_is_proved_until_one_row_is_deleted_by_hand(built):
    with duckdb.connect(built.path) as connection:
        before = read_reconciliation(DuckDBReader(connection))
        assert (before.state, before.wrong, before.unproved) == ("proved", 0, 0)
        assert before.proved == 7 * sum(venue.hours for venue in before.venues)
        connection.execute("""
            delete from raw.events where event_id = (
                select min(event_id) from raw.events
                where venue_id = 'south' and event_type = 'scan_tickets' and event_hour = 0
            )
        """)
        after = read_reconciliation(DuckDBReader(connection))
        (problem,) = after.problems
        assert (problem.run_id, problem.venue_id, problem.event_type) == ("run", "south", "scan_tickets")
        assert problem.hour.isoformat() == "2026-11-21T00:00:00+00:00"
        assert (problem.state, problem.expected_count - problem.actual_count) == ("wrong", 1)
        assert problem.difference == f"1 of {problem.expected_count} missing"
        assert read_problems(DuckDBReader(connection), problem.hour, problem.hour + ONE_HOUR) == after.problems
        assert read_problems(DuckDBReader(connection), problem.hour + ONE_HOUR) == ()
        assert read_problems(DuckDBReader(connection), end=problem.hour) == ()


def test_a_microsecond_of_one_row_is_noticed(built):
    with duckdb.connect(built.path) as connection:
        connection.execute("""
            update raw.events set started_at = started_at - interval 15 microsecond
            where event_id = (select min(event_id) from raw.events where event_type = 'walk_to_seller')
        """)
        (problem,) = read_reconciliation(DuckDBReader(connection)).problems
    assert (problem.event_type, problem.difference) == ("walk_to_seller", "duration differs by 15 us")


#: What may go wrong between lake and marts, and the tests of sources and staging that must see it.
WRONG_RAW_ROWS = {
    "an event is there twice": (
        "insert into raw.events from raw.events where event_type = 'scan_tickets' limit 1",
        {
            "source_unique_combination_of_columns_raw_events_run_id__venue_id__event_id",
            "unique_combination_of_columns_stg_scan_tickets_run_id__venue_id__event_id",
        },
    ),
    "an event's type is none of the contract's": (
        "insert into raw.events by name "
        "select * replace ('unheard' as event_type, 'x' as event_id) from raw.events limit 1",
        {"source_known_event_type_raw_events_event_type"},
    ),
    "an event has no venue": (
        "insert into raw.events by name select * replace (null as venue_id, 'x' as event_id, 'unheard' as event_type) "
        "from raw.events limit 1",
        {
            "source_known_event_type_raw_events_event_type",
            "source_not_null_raw_events_venue_id",
            "source_unique_combination_of_columns_raw_events_run_id__venue_id__event_id",
            "unique_combination_of_columns_stg_reconciliation_run_id__venue_id__hour_start__event_type",
        },
    ),
    "a message was refused without a reason, and is there twice": (
        "insert into raw.quarantine (topic, kafka_partition, kafka_offset, kafka_timestamp, event_date, event_hour) "
        "select 'ticketsim.scan_tickets', 0, 1, '2026-11-21 00:30:00', '2026-11-21', 0 from range(2)",
        {
            "source_not_null_raw_quarantine_reason",
            "unique_combination_of_columns_stg_quarantine_topic__kafka_partition__kafka_offset",
            "unique_combination_of_columns_agg_quarantine_hourly_hour_start__topic__reason",
        },
    ),
}


def test_each_wrong_raw_row_turns_the_tests_red_that_are_about_it(built, tmp_path):
    spoilt = []
    for number, (statement, _) in enumerate(WRONG_RAW_ROWS.values()):
        spoilt.append(built.copied(tmp_path / f"{number}"))
        spoilt[-1].execute(statement)
    command = (
        "test",
        "--exclude-resource-type",
        "unit_test",
        "--select",
        "source:*",
        "staging",
        "agg_quarantine_hourly",
    )
    _, red, printed = run_all((warehouse, command) for warehouse in spoilt)
    shortened = [{test.split("__bus_arrival")[0] for test in tests} for tests in red]
    assert dict(zip(WRONG_RAW_ROWS, shortened, strict=True)) == {
        name: tests for name, (_, tests) in WRONG_RAW_ROWS.items()
    }, printed


def test_refused_messages_are_counted_by_hour_topic_and_reason(built):
    built.execute("""
        insert into raw.quarantine
            (topic, kafka_partition, kafka_offset, kafka_timestamp, reason, event_date, event_hour)
        select 'ticketsim.scan_tickets', 0, range, timestamp '2026-11-21 00:30:00' + to_minutes(range * 20),
            'malformed_json', '2026-11-21', 0
        from range(3)
    """)
    counted = built.rows(
        "select hour_start, topic, reason, messages from marts.agg_quarantine_hourly order by hour_start"
    )
    assert [(row["hour_start"], row["reason"], row["messages"]) for row in counted] == [
        (MIDNIGHT, "malformed_json", 2),
        (MIDNIGHT + ONE_HOUR, "malformed_json", 1),
    ]


def test_source_freshness_is_stale_until_the_stream_reads_something(built):
    built.execute("update raw.events set ingested_at = now()::timestamp - interval 30 hour, event_date = current_date")
    fresh = built.copied(built.folder.with_name("fresh"))
    fresh.execute("update raw.events set ingested_at = now()::timestamp where event_type = 'bus_arrival'")
    outcomes, _, printed = run_all((which, ("source", "freshness")) for which in (built, fresh))
    assert outcomes == [False, True], printed
