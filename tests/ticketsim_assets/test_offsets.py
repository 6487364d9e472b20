from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable

from ticketsim_assets.offsets import OffsetState, check_offsets

from .conftest import START


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
    rows = DeltaTable(maker.lake.table_uri).to_pyarrow_table()
    return rows.filter(pc.equal(rows["topic"], topic))


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


def test_a_row_deleted_in_the_middle_is_a_gap_and_restoring_the_table_heals_it(sound):
    maker, state = sound
    before = DeltaTable(maker.lake.table_uri).version()
    victim = rows_of(maker, "ticketsim.buy_tickets")["kafka_offset"][4].as_py()
    DeltaTable(maker.lake.table_uri).delete(f"topic = 'ticketsim.buy_tickets' and kafka_offset = {victim}")
    assert not check(maker, state).sound
    DeltaTable(maker.lake.table_uri).restore(before)
    healed = check(maker, state)
    assert healed.sound
    assert healed.state.next_offsets == state.next_offsets


def test_the_newest_rows_deleted_leave_no_gap_and_are_missed_all_the_same(sound):
    maker, state = sound
    newest = maker.offsets["ticketsim.bus_arrival"] - 1
    DeltaTable(maker.lake.table_uri).delete(f"topic = 'ticketsim.bus_arrival' and kafka_offset = {newest}")
    assert "were committed and are missing" in " ".join(check(maker, state).problems)


def test_compaction_changes_nothing_for_the_check(sound):
    maker, state = sound
    DeltaTable(maker.lake.table_uri).optimize.compact()
    verdict = check(maker, state)
    assert verdict.sound
    assert verdict.state.next_offsets == state.next_offsets


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


def test_a_replay_of_the_quarantine_is_sound_and_no_other_file_is_read_to_see_that(refused, run_messages):
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


def test_a_replay_that_loses_a_row_or_takes_another_one_s_offset_is_red(refused):
    maker, state, sales, first = refused
    maker.move(sales, first, at=START + timedelta(days=1))
    table = DeltaTable(maker.lake.table_uri)
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
    DeltaTable(maker.lake.table_uri).optimize.compact()
    DeltaTable(maker.lake.table_uri).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    assert check(maker, state).sound
