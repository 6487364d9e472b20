"""What is recorded of forgotten runs, on a disk and in a bucket."""

from datetime import UTC, datetime, timedelta

import pytest

from streaming.exceptions import RecordGarbled, UnknownRun
from streaming.hour import Hour
from streaming.lake import forgotten_runs
from streaming.lake.forgotten_runs import (
    FORGOTTEN_RUNS,
    ForgottenRun,
    find_run,
    forget_run,
    read_forgotten_runs,
    recall_run,
)
from streaming.storage import path_of

from ...conftest import BOTH_PLACES
from ...ticketsim_assets.conftest import LakeMaker, hour_of, lake_maker, simulated

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def maker(request, tmp_path, lake_place) -> LakeMaker:
    return lake_maker(request, tmp_path / "lake", lake_place)


@pytest.fixture(scope="module")
def messages():
    return {name: simulated(hours=0.2, venues=1, run_id=name) for name in ("kept", "mistake")}


@BOTH_PLACES
def test_a_run_is_recorded_with_what_the_lake_has_of_it_and_a_second_time_changes_nothing(maker, messages):
    maker.append([*messages["kept"], *messages["mistake"]])
    lake = maker.lake
    assert read_forgotten_runs(lake).ids == frozenset()
    assert forget_run(lake, "mistake", NOON, dry_run=True).events > 0
    assert read_forgotten_runs(lake).ids == frozenset()
    recorded = forget_run(lake, "mistake", NOON)
    assert recorded.hours == sorted({hour_of(message) for message in messages["mistake"]})
    assert recorded.events + recorded.receipts == len(messages["mistake"])
    assert recorded.receipts == 7 * len(recorded.hours)
    assert forget_run(lake, "mistake", NOON + timedelta(days=1)) == recorded
    found = read_forgotten_runs(lake)
    assert (found.ids, dict(found.records)) == ({"mistake"}, {"mistake": recorded})
    assert found.of(recorded.hours[0]) == ("mistake",)
    assert found.of(recorded.hours[-1].next) == ()
    undone = recall_run(lake, "mistake", NOON)
    assert recall_run(lake, "mistake", NOON + timedelta(days=1)) == undone
    assert undone.revision != recorded.revision
    assert read_forgotten_runs(lake).ids == frozenset()
    assert forget_run(lake, "mistake", NOON).undone_at is None


def test_a_run_that_has_gained_hours_since_is_recorded_with_them_and_with_the_first_time(maker, messages):
    maker.append(messages["mistake"])
    before = forget_run(maker.lake, "mistake", NOON)
    maker.append(simulated(hours=2.2, venues=1, run_id="mistake"))
    after = forget_run(maker.lake, "mistake", NOON + timedelta(days=1))
    assert set(after.hours) > set(before.hours)
    assert after.forgotten_at == NOON


def test_hours_that_came_while_the_record_was_written_are_in_it(maker, messages, monkeypatch):
    maker.append(messages["mistake"])
    write = forgotten_runs._write

    def write_while_the_stream_commits(lake, run):
        write(lake, run)
        if len(list((maker.root / "events" / "_delta_log").glob("*.json"))) == 1:
            maker.append(simulated(hours=2.2, venues=1, run_id="mistake"))

    monkeypatch.setattr(forgotten_runs, "_write", write_while_the_stream_commits)
    forget_run(maker.lake, "mistake", NOON)
    [recorded] = read_forgotten_runs(maker.lake)
    assert recorded.ranges == find_run(maker.lake.snapshot(), "mistake", NOON).ranges
    assert len(recorded.hours) > len({hour_of(message) for message in messages["mistake"]})


def test_a_run_that_is_not_there_is_refused_and_a_few_that_are_there_are_named(maker, messages):
    maker.append(messages["kept"])
    with pytest.raises(UnknownRun, match=r"no run 'kep' in the lake .*The newest ones: 'kept'\."):
        forget_run(maker.lake, "kep", NOON)
    with pytest.raises(UnknownRun, match=r"'kept' is not forgotten. Forgotten runs of the lake .*: none\."):
        recall_run(maker.lake, "kept", NOON)
    assert not (maker.root / FORGOTTEN_RUNS).exists()


@pytest.mark.parametrize("run_id", ["x" * 300, "a/../b", "日本 run", "run'; drop table events"])
def test_any_id_that_a_message_may_have_can_be_forgotten(maker, run_id):
    maker.append(simulated(hours=0.1, venues=1, run_id="another"))
    maker.append(
        [(topic, value.replace(b"another", run_id.encode())) for topic, value in simulated(hours=0.1, run_id="another")]
    )
    assert forget_run(maker.lake, run_id, NOON).run_id == run_id
    assert read_forgotten_runs(maker.lake).ids == {run_id}


def test_a_record_is_read_as_it_was_written_and_a_garbled_one_is_refused_by_its_place(maker):
    hour = Hour(NOON)
    run = ForgottenRun("r", NOON, 3, ((hour, hour.next),), events=1, receipts=2, undone_at=NOON)
    assert ForgottenRun.from_json(run.to_json()) == run
    assert run.hours == [hour, hour.next]
    folder = path_of(str(maker.root)) / FORGOTTEN_RUNS
    folder.mkdir(parents=True)
    for text in ("", "{}", "[]", run.to_json().replace("2026", "yesterday")):
        (folder / "r.json").write_text(text)
        with pytest.raises(RecordGarbled, match=r"r\.json cannot be read .*remove it"):
            read_forgotten_runs(maker.lake)
