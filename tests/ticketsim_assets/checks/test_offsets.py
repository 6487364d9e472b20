from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import write_deltalake

from streaming.lake.delta import open_table
from streaming.lake.losses import LOSSES_TABLE
from streaming.lake.offset_gaps import GAPS_TABLE
from streaming.lake.reader import Snapshot
from ticketsim_assets.checks.offsets import OffsetState, check_offsets

from ...conftest import BOTH_PLACES
from ..conftest import START


@pytest.fixture
def sound(maker, run_messages):
    """A lake of two commits that a first check found sound."""
    half = len(run_messages) // 2
    maker.append(run_messages[:half])
    maker.append(run_messages[half:])
    verdict = check(maker, OffsetState())
    assert verdict.sound
    return maker, verdict.state


def check(maker, state):
    return check_offsets(maker.lake, maker.lake.snapshot(), state)


def rows_of(maker, topic: str) -> pa.Table:
    rows = maker.table.to_pyarrow_table()
    return rows.filter(pc.equal(rows["topic"], topic))


@BOTH_PLACES
def test_new_commits_are_checked_from_where_the_last_check_ended(sound, run_messages):
    maker, state = sound
    maker.append(run_messages[:50])
    verdict = check(maker, state)
    assert verdict.sound
    assert verdict.state.version > state.version


def test_a_row_committed_twice_is_an_overlap(sound):
    maker, state = sound
    maker.append_rows(rows_of(maker, "ticketsim.scan_tickets").slice(3, 1))
    verdict = check(maker, state)
    assert "more than once" in " ".join(verdict.problems)
    assert verdict.state == state


def test_offsets_that_were_skipped_are_a_gap(sound, run_messages):
    maker, state = sound
    maker.offsets["ticketsim.scan_tickets"] += 7
    maker.append([message for message in run_messages if message[0] == "ticketsim.scan_tickets"][:5])
    assert "7 offsets" in " ".join(check(maker, state).problems)


@BOTH_PLACES
def test_a_row_deleted_in_the_middle_is_a_gap_and_restoring_the_table_heals_it(sound):
    maker, state = sound
    before = maker.table.version()
    victim = rows_of(maker, "ticketsim.buy_tickets")["kafka_offset"][4].as_py()
    maker.table.delete(f"topic = 'ticketsim.buy_tickets' and kafka_offset = {victim}")
    assert not check(maker, state).sound
    maker.table.restore(before)
    healed = check(maker, state)
    assert healed.sound
    assert healed.state.next_offsets == state.next_offsets


def test_the_newest_rows_deleted_leave_no_gap_and_are_missed_all_the_same(sound):
    maker, state = sound
    newest = maker.offsets["ticketsim.bus_arrival"] - 1
    maker.table.delete(f"topic = 'ticketsim.bus_arrival' and kafka_offset = {newest}")
    assert "were committed and are missing" in " ".join(check(maker, state).problems)


def test_compaction_changes_nothing_for_the_check(sound):
    maker, state = sound
    maker.table.optimize.compact()
    verdict = check(maker, state)
    assert verdict.sound
    assert verdict.state.next_offsets == state.next_offsets


SCAN = "ticketsim.scan_tickets"
LATER = START + timedelta(days=2)


def record_loss(maker, *, first_lost: int, resumes_at: int, end_lost: int | None = None, resumed_at=LATER) -> None:
    """As the stream records it, for the one partition of the scans."""
    loss = {
        "topic": SCAN,
        "kafka_partition": pa.scalar(0, pa.int32()),
        "first_lost": first_lost,
        "end_lost": end_lost,
        "resumes_at": resumes_at,
        "resumed_at": resumed_at,
        "accepted_at": resumed_at,
        "lake_version": maker.table.version(),
        "old_topic_id": "old",
        "new_topic_id": "new",
        "why": "the topic was deleted and created again",
    }
    schema = pa.schema(
        [(name, pa.int64()) if name == "end_lost" else (name, pa.scalar(v).type) for name, v in loss.items()]
    )
    rows = pa.table({name: pa.array([loss[name]], field.type) for name, field in zip(loss, schema, strict=True)})
    write_deltalake(str(maker.root / LOSSES_TABLE), rows, mode="append")


def scans(run_messages, count: int):
    return [message for message in run_messages if message[0] == SCAN][:count]


@BOTH_PLACES
def test_a_topic_that_begins_again_at_0_is_an_overlap_until_its_loss_is_recorded(sound, run_messages):
    maker, state = sound
    end = maker.offsets[SCAN]
    maker.offsets[SCAN] = 0
    record_at = maker.table.version()
    maker.append(scans(run_messages, 9), at=LATER)
    assert "more than once" in " ".join(check(maker, state).problems)

    maker.table.restore(record_at)
    record_loss(maker, first_lost=end, resumes_at=0)
    accepted = check(maker, state)
    assert accepted.sound
    assert accepted.state.next_offsets[f"{SCAN}/0"] == 0
    assert "lost from offset" in accepted.losses[0]

    maker.offsets[SCAN] = 0
    maker.append(scans(run_messages, 9), at=LATER)
    for before in (state, accepted.state, OffsetState()):
        verdict = check(maker, before)
        assert verdict.sound, verdict.problems
        assert verdict.state.next_offsets == {**state.next_offsets, f"{SCAN}/0": 9}


def test_only_what_was_recorded_as_lost_is_subtracted(sound, run_messages):
    maker, state = sound
    end = maker.offsets[SCAN]
    record_loss(maker, first_lost=end, resumes_at=end + 7, end_lost=end + 7)
    maker.offsets[SCAN] = end + 8
    maker.append(scans(run_messages, 5), at=LATER)
    assert f"offsets {end + 7} to {end + 7} are missing" in " ".join(check(maker, state).problems)
    assert f"offsets {end + 7} to {end + 7} are missing" in " ".join(check(maker, OffsetState()).problems)


def test_rows_that_a_loss_says_were_there_must_be_there(sound):
    maker, state = sound
    record_loss(maker, first_lost=maker.offsets[SCAN] + 1, resumes_at=0)
    assert "the log ends at offset" in " ".join(check(maker, state).problems)


def test_the_end_of_a_log_deleted_after_a_loss_is_missed(sound, run_messages):
    maker, state = sound
    end = maker.offsets[SCAN]
    record_loss(maker, first_lost=end, resumes_at=0)
    maker.offsets[SCAN] = 0
    maker.append(scans(run_messages, 9), at=LATER)
    state = check(maker, state).state
    maker.table.delete(f"topic = '{SCAN}' and kafka_offset = {end - 1}")
    assert f"the log ends at offset {end - 1}" in " ".join(check(maker, state).problems)


def test_a_loss_recorded_after_the_version_that_is_looked_at_is_not_known_yet(sound, run_messages):
    maker, state = sound
    maker.append(scans(run_messages, 3))
    record_loss(maker, first_lost=maker.offsets[SCAN], resumes_at=0)
    table = open_table(maker.lake.table_uri)
    table.load_as_version(state.version)
    snapshot = Snapshot.of_table(table)
    assert check_offsets(maker.lake, snapshot, OffsetState()).state == state


def test_a_log_may_be_lost_again_and_again(sound, run_messages):
    maker, state = sound
    for number in range(3):
        record_loss(maker, first_lost=maker.offsets[SCAN], resumes_at=0, resumed_at=LATER + timedelta(hours=number))
        maker.offsets[SCAN] = 0
        if number != 1:
            maker.append(scans(run_messages, 4), at=LATER + timedelta(hours=number))
    for before in (state, OffsetState()):
        assert check(maker, before).sound
        assert check(maker, before).state.logs == {f"{SCAN}/0": 3}


@pytest.fixture
def refused(sound, run_messages):
    """A sound lake in which ten messages were refused."""
    maker, _ = sound
    sales = [message for message in run_messages if message[0] == "ticketsim.buy_tickets"][:10]
    first = maker.offsets["ticketsim.buy_tickets"]
    maker.refuse(sales, "bad_value:channel")
    verdict = check(maker, OffsetState())
    assert verdict.sound
    return maker, verdict.state, sales, first


def test_reprocessing_of_the_quarantine_is_sound_and_no_other_file_is_read_to_see_that(refused, run_messages):
    maker, state, sales, first = refused
    others = [
        maker.root / "events" / file.path for file in maker.lake.snapshot().files() if file.event_type != "quarantine"
    ]
    maker.move(sales, first, at=START + timedelta(days=1))
    for path in others:
        path.unlink()
    maker.append(run_messages[:20])
    verdict = check(maker, state)
    assert verdict.sound
    assert verdict.state.next_offsets == {
        **state.next_offsets,
        **{f"{topic}/0": maker.offsets[topic] for topic, _ in run_messages[:20]},
    }


def test_reprocessing_that_loses_a_row_or_takes_another_one_s_offset_is_red(refused):
    maker, state, sales, first = refused
    maker.move(sales, first, at=START + timedelta(days=1))
    table = maker.table
    table.update(
        predicate=f"topic = 'ticketsim.buy_tickets' and kafka_offset = {first}",
        updates={"kafka_offset": f"{first + 1}"},
    )
    problems = " ".join(check(maker, state).problems)
    assert "more than once" in problems
    assert "missing" in problems


def test_files_that_a_vacuum_has_taken_meanwhile_are_no_problem(sound, run_messages):
    maker, state = sound
    maker.append(run_messages[:50])
    maker.append(run_messages[50:100])
    maker.table.optimize.compact()
    maker.table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    assert check(maker, state).sound


def gaps_of(maker, *spans: tuple[int, int], topic: str = "ticketsim.scan_tickets", at=None) -> None:
    """Record offsets of the topic's only partition as without a record."""
    rows = [
        {"topic": topic, "kafka_partition": 0, "first_offset": first, "end_offset": end, "found_at": at or START}
        for first, end in spans
    ]
    schema = pa.schema(
        [
            ("topic", pa.string()),
            ("kafka_partition", pa.int32()),
            ("first_offset", pa.int64()),
            ("end_offset", pa.int64()),
            ("found_at", pa.timestamp("us", tz="UTC")),
        ]
    )
    write_deltalake(f"{maker.lake.root}/{GAPS_TABLE}", pa.Table.from_pylist(rows, schema=schema), mode="append")


def test_offsets_without_a_record_are_no_gap_whether_they_lie_before_between_or_after_rows(sound, run_messages):
    maker, state = sound
    end = state.next_offsets["ticketsim.scan_tickets/0"]
    maker.offsets["ticketsim.scan_tickets"] += 3
    maker.append(scans(run_messages, 5))
    maker.offsets["ticketsim.scan_tickets"] += 2
    maker.append(scans(run_messages, 5))
    gaps_of(maker, (end, end + 3))
    assert "2 offsets between" in " ".join(check(maker, state).problems)
    gaps_of(maker, (end + 8, end + 10), (end + 15, end + 16), (end + 8, end + 9))
    for verdict in (check(maker, state), check(maker, OffsetState())):
        assert verdict.sound, verdict.problems
        assert verdict.state.next_offsets["ticketsim.scan_tickets/0"] == end + 16


def test_what_becomes_known_without_a_new_commit_moves_the_end(sound):
    maker, state = sound
    end = state.next_offsets["ticketsim.scan_tickets/0"]
    gaps_of(maker, (end, end + 4), (end + 9, end + 11))
    verdict = check(maker, state)
    assert verdict.sound
    assert verdict.state.next_offsets["ticketsim.scan_tickets/0"] == end + 4


def test_one_offset_more_than_is_known_to_have_no_record_is_missing(sound, run_messages):
    maker, state = sound
    end = state.next_offsets["ticketsim.scan_tickets/0"]
    maker.offsets["ticketsim.scan_tickets"] += 7
    maker.append(scans(run_messages, 5))
    gaps_of(maker, (end + 1, end + 7))
    for known in (state, OffsetState()):
        assert f"1 offsets between 0 and {end + 11} are missing" in " ".join(check(maker, known).problems)


def test_a_row_at_an_offset_that_has_no_record_is_named(sound, run_messages):
    maker, state = sound
    end = state.next_offsets["ticketsim.scan_tickets/0"]
    maker.append(scans(run_messages, 5))
    gaps_of(maker, (end + 2, end + 3))
    for verdict in (check(maker, state), check(maker, OffsetState())):
        assert "1 rows have offsets at which Kafka holds no record" in " ".join(verdict.problems)


def test_newest_rows_that_are_gone_are_missing_although_a_gap_follows_them(sound, run_messages):
    maker, state = sound
    end = state.next_offsets["ticketsim.scan_tickets/0"]
    maker.append(scans(run_messages, 5))
    gaps_of(maker, (end + 5, end + 6))
    grown = check(maker, state)
    assert grown.sound
    open_table(maker.lake.table_uri).delete(f"topic = 'ticketsim.scan_tickets' and kafka_offset >= {end}")
    assert f"offsets {end} to {end + 5} were committed and are missing" in " ".join(check(maker, grown.state).problems)


def test_a_partition_that_held_nothing_but_aborted_records_is_accounted_for(maker, run_messages):
    maker.append([message for message in run_messages if message[0] != "ticketsim.scan_tickets"])
    gaps_of(maker, (0, 80))
    verdict = check(maker, OffsetState())
    assert verdict.sound
    assert verdict.state.next_offsets["ticketsim.scan_tickets/0"] == 80
