from datetime import timedelta

import dagster as dg
import pytest

from streaming.hour import Hour
from ticketsim_assets.hours import changes as lake_changes
from ticketsim_assets.hours.cursor import LakeCursor
from ticketsim_assets.keys import LAKE_COMPLETE, LAKE_KEYS

from ...conftest import BOTH_PLACES
from ..conftest import START, fields, hour_of, simulated

FIRST = Hour.containing(START)
RECEIPTS = "ticketsim.hour_closed"


def complete(watched) -> set[Hour]:
    return {Hour.from_key(r.partition) for r in watched.reports if r.asset_key == LAKE_COMPLETE}


def all_hours(messages) -> set[Hour]:
    return {hour_of(message) for message in messages}


@BOTH_PLACES
def test_every_hour_of_a_finished_run_is_complete_and_asked_for_as_one_range(maker, look, run_messages):
    maker.append(run_messages)
    watched = look()
    hours = all_hours(run_messages)
    assert complete(watched) == hours
    assert [(r.first, r.last) for r in watched.hourly] == [(min(hours), max(hours))]
    assert watched.cursor.pending == {}


def test_rows_are_reported_per_event_type_and_hour_with_their_number(maker, look, run_messages):
    maker.append(run_messages)
    [report] = [r for r in look().reports if r.asset_key == LAKE_KEYS["scan_tickets"] and r.partition == FIRST.key]
    expected = [m for m in run_messages if m[0] == "ticketsim.scan_tickets" and hour_of(m) == FIRST]
    assert report.metadata["dagster/row_count"].value == len(expected)


def test_a_look_without_new_commits_reports_nothing_and_asks_for_nothing(maker, look, run_messages):
    maker.append(run_messages)
    look()
    again = look()
    assert again.reports == ()
    assert again.hourly == ()


def test_an_hour_waits_for_the_receipt_that_is_missing_and_says_which(maker, look, run_messages):
    late = [m for m in run_messages if m[0] == RECEIPTS and fields(m)["of_event_type"] == "buy_tickets"]
    late = [m for m in late if hour_of(m) == FIRST][:1]
    maker.append([m for m in run_messages if m not in late])
    watched = look(lag=1)
    assert FIRST not in complete(watched)
    assert "buy_tickets" in " ".join(watched.notes)
    maker.append(late)
    assert complete(look(lag=1)) == {FIRST}


def test_an_hour_waits_for_rows_that_its_receipts_count(maker, look, run_messages):
    missing = [m for m in run_messages if m[0] == "ticketsim.scan_tickets" and hour_of(m) == FIRST][-1:]
    maker.append([m for m in run_messages if m not in missing])
    assert FIRST not in complete(look(lag=1))
    maker.append(missing)
    assert FIRST in complete(look(lag=1))


def test_receipts_that_never_come_stop_holding_an_hour_back_once_it_is_late(maker, look, run_messages):
    maker.append([m for m in run_messages if m[0] != RECEIPTS])
    committed = maker.lake.snapshot()
    commit = next(maker.lake.commits(committed.version - 1, committed.version)).committed_at
    assert complete(look(now=commit + timedelta(minutes=9))) == set()
    assert complete(look(now=commit + timedelta(minutes=11), lag=None)) == set()
    assert complete(look(now=commit + timedelta(minutes=11), lag=3)) == set()
    late = look(now=commit + timedelta(minutes=11), lag=0)
    assert complete(late) == all_hours([m for m in run_messages if m[0] != RECEIPTS])
    assert {r.metadata["complete_by"].value for r in late.reports if r.asset_key == LAKE_COMPLETE} == {"lateness"}


def test_a_dead_run_does_not_hold_back_hours_that_it_has_not_touched(maker, look, run_messages):
    dead = [m for m in run_messages if m[0] != RECEIPTS and hour_of(m) == FIRST]
    dead = [(t, v.replace(b'"run-3', b'"dead').replace(b'"run_id":"run-3"', b'"run_id":"dead"')) for t, v in dead]
    maker.append([*run_messages, *dead])
    assert complete(look(lag=1)) == all_hours(run_messages) - {FIRST}


def test_a_run_id_longer_than_the_log_s_statistics_is_recognised_by_its_receipts(maker, look):
    messages = simulated(hours=0.3, venues=1, run_id="festival-20261123T014541Z-6dbad4f00d-and-more")
    maker.append(messages)
    assert complete(look(lag=1)) == all_hours(messages)


@BOTH_PLACES
def test_compaction_never_looks_like_new_data(maker, look, run_messages):
    half = len(run_messages) // 2
    maker.append(run_messages[:half])
    maker.append(run_messages[half:])
    look()
    maker.table.optimize.compact()
    assert maker.lake.snapshot().version == 2
    again = look()
    assert again.reports == ()
    assert again.hourly == ()
    assert again.cursor.version == 2


def test_a_late_event_makes_its_hour_due_again_exactly_once(maker, look, run_messages, instance):
    maker.append(run_messages)
    before = look(first_loads=False)
    fingerprint = before.cursor.due[FIRST.key].fingerprint
    maker.append([run_messages[0]])
    after = look(first_loads=False)
    assert complete(after) == {hour_of(run_messages[0])}
    assert after.cursor.due[FIRST.key].fingerprint > fingerprint
    assert look(first_loads=False).reports == ()


def test_an_hour_that_changes_while_its_run_is_under_way_is_asked_for_once_that_run_has_ended(
    maker, look, run_messages, instance
):
    maker.append(run_messages)
    [request] = look().hourly
    for message in run_messages[:3]:
        maker.append([message])
        assert look().hourly == ()
    [run] = instance.get_runs(dg.RunsFilter(tags={"dagster/run_key": request.run_key}))
    instance.report_run_canceled(run)
    again = look().hourly
    assert {hour for r in again for hour in (r.first, r.last)} == all_hours(run_messages)
    assert request.run_key not in {r.run_key for r in again}


@pytest.mark.parametrize("way", ["fresh cursor", "cleaned log"])
def test_losing_the_cursor_or_the_log_asks_for_the_same_hours_at_the_same_fingerprints(
    maker, look, run_messages, monkeypatch, way
):
    maker.append(run_messages)
    first = look()
    maker.append([])
    if way == "cleaned log":
        monkeypatch.setattr(lake_changes, "MAX_COMMITS", 0)
    again = look(restart=True)
    assert complete(again) == set()
    assert {h: d.fingerprint for h, d in again.cursor.due.items()} == {
        h: d.fingerprint for h, d in first.cursor.due.items()
    }


@BOTH_PLACES
def test_a_resynchronised_watch_notices_an_hour_that_changed_meanwhile(maker, look, run_messages, monkeypatch):
    maker.append(run_messages)
    look()
    maker.append([run_messages[0]])
    monkeypatch.setattr(lake_changes, "MAX_COMMITS", 0)
    assert complete(look(restart=True)) == {hour_of(run_messages[0])}


def test_rows_before_the_first_partition_are_counted_and_never_skipped_in_silence(maker, look, run_messages):
    maker.append(run_messages)
    watched = look(first_hour=FIRST.end)
    early = [m for m in run_messages if hour_of(m) == FIRST]
    assert f"{len(early)} rows lie before the first partition" in " ".join(watched.notes)
    assert FIRST not in complete(watched)
    assert FIRST.next in complete(watched)


def test_hours_that_get_a_partition_when_the_first_hour_is_set_earlier_are_taken_up_and_others_are_not_again(
    maker, look, run_messages
):
    maker.append(run_messages)
    look(first_hour=FIRST.end)
    watched = look(first_hour=FIRST.start)
    assert complete(watched) == {FIRST}
    assert not [note for note in watched.notes if "before the first partition" in note]
    assert complete(look(first_hour=FIRST.start)) == set()


def test_rows_that_are_still_too_early_when_the_first_hour_is_set_earlier_are_counted_once(maker, look, run_messages):
    maker.append(run_messages)
    look(first_hour=FIRST.end + timedelta(days=1))
    watched = look(first_hour=FIRST.end)
    early = [m for m in run_messages if hour_of(m) == FIRST]
    assert f"{len(early)} rows lie before the first partition" in " ".join(watched.notes)


def test_quarantined_messages_ask_for_the_hour_of_their_arrival_only(maker, look, run_messages):
    arrival = START + timedelta(hours=30)
    maker.append(run_messages)
    look()
    maker.append([("ticketsim.scan_tickets", b"nonsense")], at=arrival)
    watched = look()
    assert [(r.first, r.last) for r in watched.quarantine] == [(Hour.containing(arrival),) * 2]
    assert watched.hourly == ()
    assert complete(watched) == set()


def refuse_and_look(maker, look, run_messages):
    """A lake without ten sales, which were refused; looked at once."""
    arrival = START + timedelta(hours=30)
    sales = [m for m in run_messages if m[0] == "ticketsim.buy_tickets" and hour_of(m) == FIRST][-10:]
    maker.append([m for m in run_messages if m not in sales])
    first = maker.offsets["ticketsim.buy_tickets"]
    maker.refuse(sales, "bad_value:channel", at=arrival)
    watched = look(lag=1)
    assert FIRST not in complete(watched)
    assert [(r.first, r.last) for r in watched.quarantine] == [(Hour.containing(arrival),) * 2]
    return sales, first, arrival


@pytest.mark.parametrize("way", ["new commits", "too many commits"])
def test_reprocessing_of_the_quarantine_changes_the_hours_that_rows_leave_and_those_that_they_come_to(  # noqa: PLR0917
    maker, look, run_messages, instance, monkeypatch, way
):
    sales, first, arrival = refuse_and_look(maker, look, run_messages)
    for run in instance.get_runs():
        instance.report_run_canceled(run)
    maker.move(sales, first, at=arrival)
    if way == "too many commits":
        monkeypatch.setattr(lake_changes, "MAX_COMMITS", 0)
    after = look(lag=1)
    assert FIRST in complete(after)
    left = Hour.containing(arrival)
    reported = {
        (r.asset_key, r.partition): r.metadata["dagster/row_count"].value
        for r in after.reports
        if r.asset_key != LAKE_COMPLETE
    }
    assert reported[LAKE_KEYS["quarantine"], left.key] == 0
    assert (LAKE_KEYS["buy_tickets"], FIRST.key) in reported
    asked_for = [*after.quarantine, *look(lag=1).quarantine]
    assert [(r.first, r.last) for r in asked_for] == [(left, left)]
    assert FIRST in {request.first for request in after.hourly}


def test_the_open_hour_is_reported_only_now_and_then(maker, look, run_messages):
    now = START + timedelta(minutes=50)
    mine = [m for m in run_messages if hour_of(m) == FIRST and m[0] == "ticketsim.walk_to_scanner"]
    maker.append(mine[:10], at=now)
    assert len(look(now=now).reports) == 1
    maker.append(mine[10:20], at=now)
    assert look(now=now + timedelta(minutes=1)).reports == ()
    [report] = look(now=now + timedelta(minutes=6)).reports
    assert report.metadata["dagster/row_count"].value == 20


def test_the_cursor_survives_json(maker, look, run_messages):
    maker.append(run_messages)
    cursor = look().cursor
    assert LakeCursor.from_json(cursor.to_json()) == cursor
