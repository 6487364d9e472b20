"""The dbt project on a real warehouse file: what a window changes, and whether the figures are right."""

import math
import re
from collections import Counter, defaultdict
from datetime import datetime, timedelta

import duckdb
import numpy as np
import pytest

from simulator.events import HOUR_US
from ticketsim_assets.reconciliation import read_problems, read_reconciliation

BUILD = ("build", "--exclude-resource-type", "unit_test")

pytestmark = pytest.mark.slow

MIDNIGHT = datetime(2026, 11, 21)  # noqa: DTZ001 the marts' times are naive and UTC
ONE_HOUR = timedelta(hours=1)


def changed(before: dict, after: dict) -> set:
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def test_hours_built_one_after_another_equal_a_build_of_everything(built, unbuilt, hour):
    unbuilt.build(*(hour(n) for n in range(5)))
    assert unbuilt.digests() == built.digests()


def test_windows_out_of_order_that_overlap_equal_a_build_of_everything(built, unbuilt, hour):
    unbuilt.build(hour(2, hours=3), hour(0, hours=3), hour(1))
    assert unbuilt.digests() == built.digests()
    assert len(built.digests()) == 3 * 5


def test_late_rows_change_their_hour_and_of_the_lines_the_hour_before(built, hour):
    before = built.digests()
    built.execute("""
        update raw.events set started_at = started_at - interval 20 second
        where event_type in ('buy_tickets', 'wait_in_seller_line') and line = 3
    """)
    built.build(hour(2))
    assert changed(before, built.digests()) == {
        ("fct_queue_waits", MIDNIGHT),
        ("agg_venue_hourly", MIDNIGHT),
        ("agg_line_hourly", MIDNIGHT),
        ("agg_line_hourly", MIDNIGHT - ONE_HOUR),
    }


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
    assert "Failure in test unique_grain_agg_venue_hourly" in printed


def test_an_identity_that_is_broken_by_hand_turns_its_test_red(built):
    built.execute("update marts.agg_line_hourly set served = served + 1, utilisation = 1.01 where line = 1")
    built.execute("update marts.fct_queue_waits set wait_us = wait_us + 1")
    _, printed = built.dbt(("test", "--select", "test_type:singular"))
    red = {"lines_add_up_to_their_venue", "waits_add_up_to_their_venue", "line_figures_are_possible"}
    assert set(re.findall(r"Failure in test (\w+)", printed)) == red


def test_models_unit_tests_and_data_tests_all_pass(outcomes):
    assert set(outcomes.values()) == {"success", "pass"}
    kinds = Counter(unique_id.split(".")[0] for unique_id in outcomes)
    assert kinds["model"] == 12
    assert kinds["unit_test"] == 9
    assert kinds["test"] == 10


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
        before = read_reconciliation(connection)
        assert (before.state, before.wrong, before.unproved) == ("proved", 0, 0)
        assert before.proved == 7 * sum(venue.hours for venue in before.venues)
        connection.execute("""
            delete from raw.events where event_id = (
                select min(event_id) from raw.events
                where venue_id = 'south' and event_type = 'scan_tickets' and event_hour = 0
            )
        """)
        after = read_reconciliation(connection)
        (problem,) = after.problems
        assert (problem.run_id, problem.venue_id, problem.event_type) == ("run", "south", "scan_tickets")
        assert problem.hour.isoformat() == "2026-11-21T00:00:00+00:00"
        assert (problem.state, problem.expected_count - problem.actual_count) == ("wrong", 1)
        assert problem.difference == f"1 of {problem.expected_count} missing"
        assert read_problems(connection, problem.hour, problem.hour + ONE_HOUR) == after.problems
        assert read_problems(connection, problem.hour + ONE_HOUR) == ()
        assert read_problems(connection, end=problem.hour) == ()


def test_a_microsecond_of_one_row_is_noticed(built):
    with duckdb.connect(built.path) as connection:
        connection.execute("""
            update raw.events set started_at = started_at - interval 15 microsecond
            where event_id = (select min(event_id) from raw.events where event_type = 'walk_to_seller')
        """)
        (problem,) = read_reconciliation(connection).problems
    assert (problem.event_type, problem.difference) == ("walk_to_seller", "duration differs by 15 us")
