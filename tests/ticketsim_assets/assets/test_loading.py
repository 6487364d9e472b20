"""What a load leaves in the warehouse: one suite, run on every engine."""

import hashlib
from collections import defaultdict
from datetime import timedelta

import pytest

from streaming.hour import Hour
from streaming.lake.forgotten_runs import forget_run, read_forgotten_runs, recall_run
from ticketsim_assets.assets.loading import load_events, load_quarantine
from ticketsim_assets.checks.reconciliation import read_problems
from ticketsim_assets.exceptions import HourIncomplete
from ticketsim_assets.hours.run_history import Reported

from ..conftest import START, digested_anew, fields, hour_of, simulated

#: Every engine, and where it can read a lake: BigQuery in a bucket only. What DuckDB does once it has the rows does not
#: depend on where they came from: it reads a bucket in one test of loading, one of a loss and one of a missing file.
PAIRS = [("duckdb", "disk"), ("bigquery", "gcs")]
ALL_PAIRS = [*PAIRS, ("duckdb", "gcs")]

pytestmark = pytest.mark.slow

EVERY_ENGINE = pytest.mark.parametrize(("warehouse", "lake_place"), PAIRS, indirect=["warehouse"])
EVERY_PAIR = pytest.mark.parametrize(("warehouse", "lake_place"), ALL_PAIRS, indirect=["warehouse"])

FIRST = Hour.containing(START)


def load(maker, warehouse, hours, *, reported=None, allow_incomplete=False):
    lake = maker.lake
    forgotten = read_forgotten_runs(lake)
    return load_events(
        lake.snapshot(), warehouse, sorted(hours), reported or {}, forgotten, allow_incomplete=allow_incomplete
    )


#: What an event says; not where in Kafka it stood, which differs for copies.
_TOLD = (
    "event_date, event_hour, event_id, event_type, started_at, event_time, party_size, line, amount_cents, event_count"
)


def digests(warehouse) -> dict[str, str]:
    """What each hour holds, but for where in Kafka it stood."""
    hours = defaultdict(list)
    with warehouse.reading() as reader:
        found = reader.execute(f"select {_TOLD} from {reader.named('raw.events')} where event_date > date '2000-01-01'")
        names = [column[0] for column in found.description]
        for values in found.fetchall():
            row = dict(zip(names, values, strict=True))
            hours[Hour.of_partition(row["event_date"], row["event_hour"])].append(repr(sorted(row.items())))
    return {str(hour): hashlib.md5(repr(sorted(rows)).encode()).hexdigest() for hour, rows in hours.items()}  # noqa: S324


def count(warehouse) -> int:
    return ask(warehouse, "select count(*) from {} where event_date > date '2000-01-01'")[0][0]


def ask(warehouse, query: str, table: str = "raw.events") -> list[tuple]:
    with warehouse.reading() as reader:
        return reader.execute(query.format(reader.named(table))).fetchall()


@EVERY_PAIR
def test_all_hours_of_a_run_arrive_to_the_row(maker, warehouse, run_messages):
    maker.append(run_messages)
    loaded = load(maker, warehouse, {hour_of(m) for m in run_messages})
    assert sum(hour.rows for hour in loaded) == count(warehouse) == len(run_messages)


@EVERY_ENGINE
def test_copies_of_an_event_are_left_out_and_the_first_offset_stays(maker, warehouse, run_messages):
    mine = [m for m in run_messages if hour_of(m) == FIRST]
    maker.append([*run_messages, *mine[:40]])
    maker.append(mine[:10])
    [loaded] = load(maker, warehouse, {FIRST})
    assert (loaded.rows, loaded.copies) == (len(mine), 50)
    largest = ask(warehouse, "select topic, max(kafka_offset) from {} where event_date > date '2000-01-01' group by 1")
    assert all(offset < sum(m[0] == topic for m in run_messages) for topic, offset in largest)


@EVERY_ENGINE
def test_copies_that_say_something_else_are_kept_apart_and_named_once_for_each_content(maker, warehouse, run_messages):
    mine = [m for m in run_messages if hour_of(m) == FIRST]
    topic, value = next(m for m in mine if m[0] == "ticketsim.buy_tickets")
    dearer = (topic, value.replace(b'"amount_cents":', b'"amount_cents":1'))
    maker.append([*run_messages, dearer, dearer, mine[0], (topic, value)])
    [loaded] = load(maker, warehouse, {FIRST})
    assert (loaded.rows, loaded.copies) == (len(mine), 4)
    asked = "select amount_cents from {} where event_id = '" + fields(dearer)["event_id"] + "' and event_hour = 10"
    where = f"{asked} and event_date > date '2000-01-01'"
    assert ask(warehouse, where) == [(fields((topic, value))["amount_cents"],)]
    assert ask(warehouse, where, "raw.conflicting_copies") == [(fields(dearer)["amount_cents"],)]
    with warehouse.reading() as reader:
        [problem] = read_problems(reader, FIRST.start, FIRST.end)
    assert (problem.state, problem.event_type) == ("wrong", "buy_tickets")
    assert problem.difference == f"1 came again with other contents, the first {fields(dearer)['event_id']}"


@EVERY_ENGINE
def test_events_of_two_runs_with_the_same_event_id_are_two_events(maker, warehouse):
    # run `a-venue` at venue `1` and run `a` at venue `venue-1` number their events alike
    runs = [simulated(hours=0.2, venues=1, run_id="a"), simulated(hours=0.2, venues=1, run_id="a-venue")]
    renamed = digested_anew(
        [
            (topic, value.replace(b"-venue-venue-1-", b"-venue-1-").replace(b'"venue-1"', b'"1"'))
            for topic, value in runs[1]
        ]
    )
    maker.append([*runs[0], *renamed])
    assert {fields(m)["event_id"] for m in runs[0]} == {fields(m)["event_id"] for m in renamed}
    hours = {hour_of(m) for m in [*runs[0], *renamed]}
    loaded = load(maker, warehouse, hours)
    assert sum(hour.rows for hour in loaded) == len(runs[0]) + len(renamed)
    with warehouse.reading() as reader:
        assert read_problems(reader) == ()


@EVERY_ENGINE
def test_loading_an_hour_twice_changes_nothing(maker, warehouse, run_messages):
    maker.append(run_messages)
    hours = {hour_of(m) for m in run_messages}
    load(maker, warehouse, hours)
    before = digests(warehouse)
    load(maker, warehouse, hours)
    assert digests(warehouse) == before


@EVERY_ENGINE
def test_late_data_changes_exactly_its_hour(maker, warehouse, run_messages):
    late = [m for m in run_messages if hour_of(m) == FIRST and m[0] == "ticketsim.scan_tickets"][:1]
    maker.append([m for m in run_messages if m not in late])
    hours = {hour_of(m) for m in run_messages}
    load(maker, warehouse, hours, allow_incomplete=True)
    before = digests(warehouse)
    maker.append(late)
    load(maker, warehouse, hours)
    changed = {hour for hour, digest in digests(warehouse).items() if before[hour] != digest}
    assert changed == {str(FIRST)}


@EVERY_ENGINE
def test_an_hour_that_lacks_a_receipt_is_refused_by_name_and_nothing_is_loaded(maker, warehouse, run_messages):
    maker.append([m for m in run_messages if not (m[0] == "ticketsim.hour_closed" and hour_of(m) == FIRST)])
    with pytest.raises(HourIncomplete, match=rf"Hour {FIRST} is not complete: .*--allow-incomplete"):
        load(maker, warehouse, {hour_of(m) for m in run_messages})
    load(maker, warehouse, {Hour(FIRST.start - timedelta(days=3))})
    assert count(warehouse) == 0


@EVERY_PAIR
def test_a_loss_that_a_copy_hides_from_the_count_is_refused(maker, warehouse, run_messages):
    scans = [m for m in run_messages if hour_of(m) == FIRST and m[0] == "ticketsim.scan_tickets"]
    maker.append([*(m for m in run_messages if m != scans[0]), scans[1]])
    with pytest.raises(HourIncomplete, match="scan_tickets"):
        load(maker, warehouse, {FIRST})


@EVERY_ENGINE
def test_an_incomplete_hour_loads_if_forced_or_late_and_says_what_it_lacked(maker, warehouse, run_messages):
    maker.append([m for m in run_messages if m[0] != "ticketsim.hour_closed"])
    [forced] = load(maker, warehouse, {FIRST}, allow_incomplete=True)
    assert forced.missing
    [late] = load(maker, warehouse, {FIRST}, reported={FIRST: Reported(0, 0, "lateness")})
    assert late.rows == forced.rows
    with pytest.raises(HourIncomplete):
        load(maker, warehouse, {FIRST}, reported={FIRST: Reported(0, 0, "receipts")})


@EVERY_PAIR
def test_a_forgotten_run_is_left_out_and_named_and_the_other_run_stays_to_the_row(maker, warehouse, run_messages):
    hours = {hour_of(m) for m in run_messages}
    maker.append(run_messages)
    load(maker, warehouse, hours)
    alone = digests(warehouse)
    # some copies, one of them with other contents; and receipts that never came, which would hold every hour back
    mistake = [m for m in simulated(seed=9, run_id="mistake") if hour_of(m) in hours]
    topic, value = next(m for m in mistake if m[0] == "ticketsim.buy_tickets")
    dearer = (topic, value.replace(b'"amount_cents":', b'"amount_cents":1'))
    maker.append([*(m for m in mistake if m[0] != "ticketsim.hour_closed"), *mistake[:5], dearer, *run_messages[:3]])
    with pytest.raises(HourIncomplete, match="run mistake has events but no receipt"):
        load(maker, warehouse, hours)
    forget_run(maker.lake, "mistake", START)
    loaded = load(maker, warehouse, hours)
    assert digests(warehouse) == alone
    assert sum(hour.forgotten_rows for hour in loaded) == sum(m[0] != "ticketsim.hour_closed" for m in mistake) + 6
    assert sum(hour.copies for hour in loaded) == 3
    assert {hour.forgotten for hour in loaded} == {("mistake",)}
    assert not any(hour.missing for hour in loaded)
    assert ask(warehouse, "select run_id, hours from {}", "raw.forgotten_runs") == [("mistake", len(hours))]
    assert ask(warehouse, "select count(*) from {} where event_date > date '2000-01-01'", "raw.conflicting_copies") == [
        (0,)
    ]
    with warehouse.reading() as reader:
        assert read_problems(reader) == ()

    recall_run(maker.lake, "mistake", START)
    load(maker, warehouse, hours, allow_incomplete=True)
    assert count(warehouse) > len(run_messages)
    assert ask(warehouse, "select run_id from {}", "raw.forgotten_runs") == []


@EVERY_ENGINE
def test_what_a_run_that_counts_lacks_is_refused_however_much_a_forgotten_one_has(maker, warehouse, run_messages):
    maker.append([m for m in run_messages if m != next(m for m in run_messages if m[0] == "ticketsim.scan_tickets")])
    maker.append(simulated(seed=9, run_id="mistake"))
    forget_run(maker.lake, "mistake", START)
    with pytest.raises(HourIncomplete, match="of run run-3, scan_tickets"):
        load(maker, warehouse, {FIRST})


@EVERY_ENGINE
def test_an_hour_without_rows_loads_as_empty(maker, warehouse, run_messages):
    maker.append(run_messages)
    [loaded] = load(maker, warehouse, {Hour(FIRST.start - timedelta(days=3))})
    assert (loaded.rows, loaded.files) == (0, 0)


@EVERY_PAIR
def test_a_load_that_breaks_off_leaves_every_hour_as_it_was(maker, warehouse, run_messages):
    maker.append(run_messages)
    hours = sorted({hour_of(m) for m in run_messages})
    load(maker, warehouse, hours)
    before = digests(warehouse)
    snapshot = maker.lake.snapshot()
    files = {
        hours[0]: [snapshot.uri(file) for file in snapshot.files(hours[0])],
        hours[1]: [f"{snapshot.root}/nowhere.parquet"],
    }
    with pytest.raises(Exception, match=r"nowhere\.parquet"):
        warehouse.replace_hours("events", files)
    assert digests(warehouse) == before


@EVERY_ENGINE
def test_quarantine_arrives_with_its_bytes_and_reason(maker, warehouse):
    maker.append([("ticketsim.scan_tickets", b"\xff\x00 no json")])
    [loaded] = load_quarantine(maker.lake.snapshot(), warehouse, [Hour(START + timedelta(days=1))])
    assert loaded.rows == 1
    query = "select raw, reason, topic from {} where event_date > date '2000-01-01'"
    assert ask(warehouse, query, "raw.quarantine") == [
        (b"\xff\x00 no json", "malformed_json", "ticketsim.scan_tickets")
    ]
