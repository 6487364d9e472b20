"""What the page is made of, from a warehouse of a few rows."""

import base64
import json
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from simulator.events import ACTIVITY_TYPES
from tests.duration_bins import create_duration_bins, duration_bin_edges
from ticketsim_assets.dashboard.badge import badge_of
from ticketsim_assets.dashboard.bins import (
    ALL_CHANNELS,
    ALL_LINES,
    BINS_TABLE,
    HISTOGRAM_TABLE,
    TIME_IN_SYSTEM_TABLE,
)
from ticketsim_assets.dashboard.data import (
    ACTIVITIES,
    HOURLY_DAYS,
    MEASURES,
    RECEIPTS_TABLE,
    STATES,
    VENUE_HOURS_TABLE,
    VENUES_TABLE,
    Marts,
    read_marts,
    visitors_over_time,
)
from ticketsim_assets.dashboard.details import DETAIL_MARTS
from ticketsim_assets.dashboard.hours import RECENT_DAYS
from ticketsim_assets.dashboard.journeys import JOURNEYS_TABLE
from ticketsim_assets.dashboard.layout import encode
from ticketsim_assets.dashboard.line_hours import LINES_TABLE
from ticketsim_assets.dashboard.occupancy import OCCUPANCY_DAYS, OCCUPANCY_TABLE, PEOPLE
from ticketsim_assets.dashboard.page import embeddable, render, write_page
from ticketsim_assets.dashboard.preview import preview_png
from ticketsim_assets.dashboard.quarantine import QUARANTINE_TABLE
from ticketsim_assets.exceptions import WarehouseBusy, WarehouseUnreadable

NOON = datetime(2026, 3, 1, 12)  # noqa: DTZ001 - the marts hold naive UTC
NOON_HOUR = int(NOON.replace(tzinfo=UTC).timestamp()) // 3600


@pytest.fixture
def make_warehouse(tmp_path: Path) -> Callable[..., Path]:
    """A warehouse from (run, venue, hours after noon, arrived) and from (run, venue, hours after noon, type, state)."""

    def make(venue_hours: list[tuple], receipts: list[tuple] | None = None) -> Path:
        path = tmp_path / "warehouse.duckdb"
        measures = ", ".join(f"{measure} hugeint" for measure in MEASURES)
        with duckdb.connect(path) as connection:
            connection.execute("create schema marts")
            connection.execute(
                f"create table {VENUE_HOURS_TABLE} (run_id varchar, venue_id varchar, hour_start timestamp, {measures})"
            )
            for run, venue, after, arrived in venue_hours:
                figures = [arrived if measure == "visitors_arrived" else None for measure in MEASURES]
                connection.execute(
                    f"insert into {VENUE_HOURS_TABLE} values ({', '.join('?' * (3 + len(MEASURES)))})",
                    [run, venue, NOON + timedelta(hours=after), *figures],
                )
            if receipts is not None:
                connection.execute(
                    f"""create table {RECEIPTS_TABLE} (run_id varchar, venue_id varchar, hour_start timestamp,
                    event_type varchar, expected_count bigint, actual_count bigint,
                    state varchar, difference varchar)"""
                )
                connection.execute(
                    f"""create table {HISTOGRAM_TABLE} (run_id varchar, venue_id varchar, hour_start timestamp,
                    event_date date, stage varchar, line bigint, channel varchar, from_us bigint, to_us bigint,
                    waits bigint, visitors bigint)"""
                )
                connection.execute(
                    f"""create table {LINES_TABLE} (run_id varchar, venue_id varchar, hour_start timestamp,
                    event_date date, stage varchar, line bigint, visitors bigint, busy_us bigint, servers bigint)"""
                )
                connection.execute(
                    f"create table {QUARANTINE_TABLE} (hour_start timestamp, reason varchar, messages bigint)"
                )
                create_duration_bins(connection)
                ids = "run_id varchar, venue_id varchar, hour_start timestamp, event_date date, channel varchar"
                connection.execute(
                    f"create table {TIME_IN_SYSTEM_TABLE} ({ids}, from_us bigint, to_us bigint, visitors bigint)"
                )
                connection.execute(
                    f"create table {JOURNEYS_TABLE} ({ids}, step varchar, visitors bigint, visitor_us bigint)"
                )
                states = ("walking", "waiting", "serving")
                people = ", ".join(f"{name} bigint" for state in states for name in (state, f"{state}_max"))
                connection.execute(
                    f"""create table {OCCUPANCY_TABLE} (run_id varchar, venue_id varchar, hour_start timestamp,
                    event_date date, slot_start timestamp, stage varchar, {people}, people_max bigint)"""
                )
                connection.execute(
                    f"create table {VENUES_TABLE} (run_id varchar, venue_id varchar, final_hour timestamp)"
                )
                for run, venue, after, event_type, state in receipts:
                    difference = None if state == "proved" else f"it is {state}"
                    connection.execute(
                        f"insert into {RECEIPTS_TABLE} values (?, ?, ?, ?, 2, 1, ?, ?)",
                        [run, venue, NOON + timedelta(hours=after), event_type, state, difference],
                    )
        return path

    return make


def test_every_activity_of_the_contract_but_the_bus_is_timed_in_order() -> None:
    assert [activity.key for activity in ACTIVITIES] == [event_type.value for event_type in ACTIVITY_TYPES[1:]]
    assert [(activity.kind, activity.stage) for activity in ACTIVITIES] == [
        ("walk", "seller"),
        ("wait", "seller"),
        ("service", "seller"),
        ("walk", "scanner"),
        ("wait", "scanner"),
        ("service", "scanner"),
    ]


def test_hours_are_counted_from_the_epoch_in_utc_and_nulls_are_nothing(make_warehouse: Callable[..., Path]) -> None:
    marts = read_marts(make_warehouse([("r", "north", 0, 7), ("r", "north", 1, None)]))
    assert marts.venue_hours["hour"] == [NOON_HOUR, NOON_HOUR + 1]
    assert marts.venue_hours["visitors_arrived"] == [7, 0]


def test_the_latest_run_is_the_one_that_reaches_furthest_not_the_last_by_name(
    make_warehouse: Callable[..., Path],
) -> None:
    marts = read_marts(make_warehouse([("b", "north", 5, 1), ("z", "north", 0, 1), ("a", "north", 1, 1)]))
    assert marts.runs[marts.latest_run or 0] == "b"


def test_of_runs_that_reach_equally_far_the_one_that_began_last_is_the_latest(
    make_warehouse: Callable[..., Path],
) -> None:
    marts = read_marts(
        make_warehouse([("long", "n", 0, 1), ("long", "n", 5, 1), ("fresh", "n", 4, 1), ("fresh", "n", 5, 1)])
    )
    assert marts.runs[marts.latest_run or 0] == "fresh"


def test_receipts_are_counted_by_state_and_only_those_not_proved_are_kept_in_detail(
    make_warehouse: Callable[..., Path],
) -> None:
    marts = read_marts(
        make_warehouse(
            [("r", "north", 0, 1)],
            [
                ("r", "north", 0, "bus_arrival", "proved"),
                ("r", "north", 0, "buy_tickets", "unproved"),
                ("r", "south", 1, "scan_tickets", "wrong"),
                ("r", "south", 1, "bus_arrival", "proved"),
            ],
        )
    )
    assert marts.states == {"proved": 2, "counted": 0, "unproved": 1, "wrong": 1}
    assert sum(marts.receipts["proved"]) == 2
    assert [(receipt["state"], receipt["type"]) for receipt in marts.offending] == [
        ("wrong", "scan_tickets"),
        ("unproved", "buy_tickets"),
    ]
    worst = marts.offending[0]
    assert (marts.venues[worst["venue"]], worst["hour"]) == ("south", NOON_HOUR + 1)
    assert (worst["expected"], worst["actual"], worst["difference"]) == (2, 1, "it is wrong")


def test_a_run_that_only_receipts_know_of_has_a_name(make_warehouse: Callable[..., Path]) -> None:
    marts = read_marts(make_warehouse([("a", "n", 0, 1)], [("silent", "s", 0, "bus_arrival", "wrong")]))
    assert set(marts.runs) == {"a", "silent"}
    assert set(marts.venues) == {"n", "s"}


def test_a_missing_table_is_named_and_the_other_one_is_read(make_warehouse: Callable[..., Path]) -> None:
    marts = read_marts(make_warehouse([("r", "north", 0, 3)]))
    assert marts.missing == (RECEIPTS_TABLE, *DETAIL_MARTS, VENUES_TABLE, QUARANTINE_TABLE)
    assert marts.venue_hours["visitors_arrived"] == [3]


def add_waits(warehouse: Path, *waits: tuple[int, str, int, str, int, int]) -> None:
    """Add rows of (hours after noon, stage, line, channel, from_us, visitors) to the histogram of run r, venue n."""
    with duckdb.connect(warehouse) as connection:
        for after, stage, line, channel, from_us, visitors in waits:
            hour = NOON + timedelta(hours=after)
            connection.execute(
                f"insert into {HISTOGRAM_TABLE} values ('r', 'n', ?, ?, ?, ?, ?, ?, null, 1, ?)",
                [hour, hour.date(), stage, line, channel, from_us, visitors],
            )


def rows_of(columns: Mapping[str, Sequence[int]], *names: str) -> list[tuple[int, ...]]:
    return list(zip(*(columns[name] for name in names), strict=True))


def test_waits_are_counted_in_the_warehouse_s_bins_by_line_and_channel(make_warehouse: Callable[..., Path]) -> None:
    path = make_warehouse([("r", "n", 0, 7)], [])
    add_waits(
        path,
        (0, "seller", 2, "box_office", 4_000_000, 4),
        (0, "scanner", 1, "online", 14_336_000_000, 2),
        (0, "scanner", 1, "online", 64_000_000, 6),
        (0, "scanner", 1, "box_office", 0, 1),
    )
    marts = read_marts(path)
    assert list(marts.edges) == duration_bin_edges()
    assert rows_of(marts.details["waits"], "stage", "line", "channel", "bin", "visitors") == [
        (1, 1, 0, 0, 1),
        (1, 1, 1, 12, 6),
        (1, 1, 1, 43, 2),
        (0, 2, 0, 1, 4),
    ]
    assert marts.details["waits"]["hour"] == [NOON_HOUR] * 4


def test_lines_and_channels_of_days_long_past_are_not_told_apart(make_warehouse: Callable[..., Path]) -> None:
    newest = RECENT_DAYS * 24
    path = make_warehouse([("r", "n", 0, 7), ("r", "n", newest, 7)], [])
    add_waits(
        path,
        (0, "scanner", 1, "online", 0, 1),
        (0, "scanner", 2, "box_office", 0, 2),
        (1, "scanner", 2, "box_office", 0, 4),
        (24, "scanner", 2, "box_office", 0, 8),
    )
    marts = read_marts(path)
    assert rows_of(marts.details["waits"], "hour", "line", "channel", "visitors") == [
        (NOON_HOUR, ALL_LINES, ALL_CHANNELS, 3),
        (NOON_HOUR + 1, ALL_LINES, ALL_CHANNELS, 4),
        (NOON_HOUR + 24, 2, 0, 8),
    ]


def test_times_in_system_and_journeys_are_by_the_hour_of_recent_days_and_by_the_day_before(
    make_warehouse: Callable[..., Path],
) -> None:
    newest = RECENT_DAYS * 24
    path = make_warehouse([("r", "n", 0, 7), ("r", "n", newest, 7)], [])
    hours = [NOON, NOON + timedelta(hours=1), NOON + timedelta(hours=newest)]
    with duckdb.connect(path) as connection:
        for hour in hours:
            ids = ["r", "n", hour, hour.date(), "online"]
            connection.execute(
                f"insert into {TIME_IN_SYSTEM_TABLE} values (?, ?, ?, ?, ?, 4000000, 8000000, 3)",
                ids,
            )
            connection.execute(f"insert into {JOURNEYS_TABLE} values (?, ?, ?, ?, ?, 'between_steps', 3, -5)", ids)
    details = read_marts(path).details
    assert rows_of(details["timeInSystem"], "hour", "channel", "bin", "visitors") == [
        (NOON_HOUR - 12, 1, 1, 6),
        (NOON_HOUR + newest, 1, 1, 3),
    ]
    assert rows_of(details["journeys"], "hour", "channel", "step", "visitors", "visitor_us") == [
        (NOON_HOUR - 12, 1, 6, 6, -10),
        (NOON_HOUR + newest, 1, 6, 3, -5),
    ]


def test_people_are_shown_every_five_minutes_of_the_newest_days_and_at_most_of_every_hour(
    make_warehouse: Callable[..., Path],
) -> None:
    newest = OCCUPANCY_DAYS * 24
    path = make_warehouse([("r", "n", 0, 7), ("r", "n", newest, 7)], [])
    with duckdb.connect(path) as connection:
        for hour in (NOON, NOON + timedelta(hours=newest)):
            for slot, stage, walking in ((0, "seller", 1), (0, "scanner", 2), (11, "seller", 5), (11, "scanner", 0)):
                start = hour + timedelta(minutes=5 * slot)
                connection.execute(
                    f"insert into {OCCUPANCY_TABLE} values ('r', 'n', ?, ?, ?, ?, ?, ?, 10, 20, 0, 3, 99)",
                    [hour, hour.date(), start, stage, walking, walking + 1],
                )
    details = read_marts(path).details
    assert rows_of(details["occupancy"], "hour", "slot", *PEOPLE) == [
        (NOON_HOUR + newest, 0, 1, 10, 0, 2, 10, 0),
        (NOON_HOUR + newest, 11, 5, 10, 0, 0, 10, 0),
    ]
    assert rows_of(details["occupancyHours"], "hour", *PEOPLE, "people") == [
        (hour, 6, 20, 3, 3, 20, 3, 25) for hour in (NOON_HOUR, NOON_HOUR + newest)
    ]


def test_bins_come_back_from_the_columns_group_by_group(make_warehouse: Callable[..., Path]) -> None:
    path = make_warehouse([("r", "n", 0, 7)], [])
    add_waits(
        path, *((0, "scanner", line, "online", line * 4_000_000 * i, 10 * line + i) for line in (1, 2) for i in (0, 1))
    )
    marts = read_marts(path)
    assert [_column(marts, "waits", name) for name in ("line", "at")] == [[1, 2], [0, 2]]
    assert [_column(marts, "waitBins", name) for name in ("bin", "visitors")] == [[0, 1, 0, 2], [10, 11, 20, 21]]


def test_without_bins_a_histogram_of_an_earlier_release_is_left_out(make_warehouse: Callable[..., Path]) -> None:
    path = make_warehouse([("r", "n", 0, 7)], [])
    with duckdb.connect(path) as connection:
        connection.execute(f"drop table {BINS_TABLE}; alter table {HISTOGRAM_TABLE} drop column line")
    marts = read_marts(path)
    assert (marts.missing, marts.edges, len(marts.details["waits"]["hour"])) == ((BINS_TABLE,), (), 0)


def test_a_file_that_is_no_database_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "notes.duckdb"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(WarehouseUnreadable, match=r"notes\.duckdb"):
        read_marts(path)


def test_a_warehouse_that_another_process_writes_is_busy_and_then_readable(make_warehouse: Callable[..., Path]) -> None:
    path = make_warehouse([("r", "north", 0, 3)])
    holder = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "open\n"
        with pytest.raises(WarehouseBusy, match=r"warehouse\.duckdb"):
            read_marts(path)
        process.stdin.close()
        process.wait()
    assert read_marts(path).venue_hours["visitors_arrived"] == [3]


def test_reading_leaves_the_file_free_for_a_writer(make_warehouse: Callable[..., Path]) -> None:
    path = make_warehouse([("r", "north", 0, 3)])
    read_marts(path)
    with duckdb.connect(path) as connection:
        connection.execute("create table written (i int)")


def test_a_short_run_is_drawn_by_the_hour_over_all_venues(make_warehouse: Callable[..., Path]) -> None:
    marts = read_marts(make_warehouse([("r", "north", 0, 3), ("r", "south", 0, 4), ("older", "north", -9, 99)]))
    rows = visitors_over_time(marts)
    assert [(row["t"], row["end"] - row["t"], row["arrived"]) for row in rows] == [
        (NOON_HOUR * 3_600_000, 3_600_000, 7)
    ]


@pytest.mark.parametrize(("hours", "step"), [(HOURLY_DAYS * 24, 1), (HOURLY_DAYS * 24 + 1, 24)])
def test_ranges_up_to_ten_days_are_drawn_by_the_hour_and_longer_ones_by_the_day(
    make_warehouse: Callable[..., Path], hours: int, step: int
) -> None:
    marts = read_marts(make_warehouse([("r", "n", 0, 1), ("r", "n", hours - 1, 2)]))
    rows = visitors_over_time(marts)
    assert {row["end"] - row["t"] for row in rows} == {step * 3_600_000}
    assert sum(row["arrived"] for row in rows) == 3


@pytest.mark.parametrize("text", ["</script><script>alert(1)</script>", "<!--", "a\u2028b", 'quote " and \\'])
def test_no_text_can_end_the_script_it_is_embedded_in_and_all_come_back_as_they_were(text: str) -> None:
    embedded = embeddable({"run": text})
    assert "<" not in embedded
    assert json.loads(embedded) == {"run": text}


def test_the_page_of_no_warehouse_says_what_is_missing_and_how_to_get_it(tmp_path: Path) -> None:
    destination = tmp_path / "new" / "folder" / "index.html"
    summary = write_page(read_marts(tmp_path / "nowhere.duckdb"), destination)
    page = destination.read_text()
    assert summary.missing == (VENUE_HOURS_TABLE, RECEIPTS_TABLE, *DETAIL_MARTS, VENUES_TABLE, QUARANTINE_TABLE)
    assert VENUE_HOURS_TABLE in page
    assert "ticketsim demo" in page
    assert preview_png(read_marts(tmp_path / "nowhere.duckdb")) is None


def test_the_page_of_an_empty_mart_says_that_nothing_was_loaded(make_warehouse: Callable[..., Path]) -> None:
    page = render(read_marts(make_warehouse([], [])), datetime(2026, 3, 2, tzinfo=UTC))
    assert "no hour has been loaded" in page


def test_a_page_that_cannot_be_written_leaves_the_old_one_and_nothing_half_written(
    make_warehouse: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = tmp_path / "page" / "index.html"
    destination.parent.mkdir()
    destination.write_text("the page of yesterday")

    def full_disk(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_page(read_marts(make_warehouse([])), destination)
    assert [path.name for path in destination.parent.iterdir()] == ["index.html"]
    assert destination.read_text() == "the page of yesterday"


@pytest.mark.slow
def test_the_page_grows_with_hours_and_not_with_visitors(make_warehouse: Callable[..., Path], tmp_path: Path) -> None:
    path = make_warehouse([("r", "n", hour, 1000) for hour in range(50)])
    few = write_page(read_marts(path), tmp_path / "few.html").bytes
    with duckdb.connect(path) as connection:
        connection.execute(f"update {VENUE_HOURS_TABLE} set visitors_arrived = 9999")
    assert write_page(read_marts(path), tmp_path / "many.html").bytes == few
    with duckdb.connect(path) as connection:
        connection.execute(
            f"insert into {VENUE_HOURS_TABLE} "
            f"select * replace (hour_start + interval 50 hour as hour_start) from {VENUE_HOURS_TABLE}"
        )
    assert few < write_page(read_marts(path), tmp_path / "longer.html").bytes < few + 50 * 400


def test_the_preview_is_a_png(make_warehouse: Callable[..., Path]) -> None:
    png = preview_png(read_marts(make_warehouse([("r", "n", hour, hour * 10) for hour in range(24)])))
    assert png is not None
    assert png.startswith(b"\x89PNG")


def _column(marts: Marts, table: str, name: str) -> list[float]:
    """Return a column as a browser reads it."""
    head, columns = encode(marts)
    place = head["tables"][table]["columns"][name]
    code = {"u1": "B", "u2": "H", "u4": "I", "f8": "d"}[place["type"]]
    assert place["at"] % 8 == 0
    layout = f"<{head['tables'][table]['rows']}{code}"
    return [value + place["plus"] for value in struct.unpack_from(layout, base64.b64decode(columns), place["at"])]


def test_every_figure_comes_back_from_the_columns_whatever_its_size(make_warehouse: Callable[..., Path]) -> None:
    sizes = [0, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**53 - 1]
    marts = read_marts(make_warehouse([("r", "n", i, size) for i, size in enumerate(sizes)]))
    for most in range(1, len(sizes) + 1):
        shorter = replace(marts, venue_hours={name: rows[:most] for name, rows in marts.venue_hours.items()})
        assert _column(shorter, "venueHours", "visitors_arrived") == sizes[:most]
        assert _column(shorter, "venueHours", "hour") == [NOON_HOUR + i for i in range(most)]


def test_a_difference_below_zero_is_kept(make_warehouse: Callable[..., Path]) -> None:
    marts = read_marts(make_warehouse([("r", "n", 0, -5), ("r", "n", 1, 5)]))
    assert _column(marts, "venueHours", "visitors_arrived") == [-5, 5]


def test_venues_that_have_told_their_last_hour_have_ended(make_warehouse: Callable[..., Path]) -> None:
    path = make_warehouse([("r", "north", 0, 1), ("r", "south", 0, 1)], [])
    with duckdb.connect(path) as connection:
        connection.execute(
            f"insert into {VENUES_TABLE} values ('r', 'north', null), ('r', 'south', '{NOON}'), ('gone', 'x', '{NOON}')"
        )
    marts = read_marts(path)
    assert [(marts.runs[run], marts.venues[venue]) for run, venue in marts.ended] == [("r", "south")]


@pytest.mark.parametrize(
    ("receipts", "figures", "state"),
    [
        ((9, 9, 9, 1), (9, 9, 9, 0), "wrong"),
        ((9, 0, 0, 0), (9, 9, 9, 1), "wrong"),
        ((9, 9, 1, 0), (9, 0, 0, 0), "unproved"),
        ((9, 0, 0, 0), (9, 0, 1, 0), "unproved"),
        ((9, 1, 0, 0), (9, 0, 0, 0), "counted"),
        ((9, 0, 0, 0), (0, 0, 0, 0), "proved"),
        ((0, 0, 0, 0), (9, 0, 0, 0), "unchecked"),
    ],
)
def test_the_verdict_is_the_worst_that_was_found(receipts: tuple, figures: tuple, state: str) -> None:
    found = [dict(zip(STATES, counts, strict=True)) for counts in (receipts, figures)]
    assert badge_of(*found).state == state


def test_dagster_does_not_pay_for_the_drawing_libraries_when_it_loads_the_page_module() -> None:
    modules = "import sys; from ticketsim_assets.dashboard import page, preview"
    script = f"{modules}; print({{'altair', 'vl_convert', 'jinja2'}} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "set()"
