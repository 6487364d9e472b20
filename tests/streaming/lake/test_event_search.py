"""Events found by their id, on a disk and in a bucket, and the commits that brought them."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulator.events import EventType
from streaming.exceptions import UnknownEvent
from streaming.lake.commit_search import commit_of, first_version_from
from streaming.lake.event_search import EventName, find_messages, receipts_of

from ...conftest import BOTH_PLACES
from ...ticketsim_assets.conftest import LakeMaker, fields, hour_of, lake_maker, simulated

RECEIPTS = EventType.HOUR_CLOSED.topic


@pytest.fixture
def maker(request, tmp_path, lake_place) -> LakeMaker:
    return lake_maker(request, tmp_path / "lake", lake_place)


@pytest.fixture(scope="module")
def messages():
    return simulated(hours=1.5, venues=2)


def id_of(message) -> str:
    return fields(message)["event_id"]


def offsets_of(found) -> list[int]:
    return [message.offset for message in found]


def renamed(message, run_id: str, venue_id: str, number: int):
    changed = fields(message) | {"run_id": run_id, "venue_id": venue_id, "event_id": f"{run_id}-{venue_id}-{number}"}
    return message[0], json.dumps(changed).encode()


@BOTH_PLACES
def test_every_kind_of_message_is_found_with_all_its_copies_its_fields_and_its_file(maker, messages):
    maker.append([*messages, *messages[40:80]])
    snapshot = maker.lake.snapshot()
    receipt = next(message for message in messages if fields(message)["event_type"] == EventType.HOUR_CLOSED)
    for message, copies in ((messages[50], 2), (messages[100], 1), (messages[-1], 1), (receipt, 1)):
        found = find_messages(snapshot, EventName(id_of(message)))
        assert len(found.valid) == copies
        assert (found.quarantined, found.newest_number) == ((), None)
        first = found.valid[0]
        assert (first.fields["event_id"], first.file.hour) == (id_of(message), hour_of(message))
        assert (first.topic, first.file.event_type) == (message[0], fields(message)["event_type"])


def test_only_the_files_of_the_hour_that_the_number_says_are_read(maker, messages):
    maker.append(messages)
    snapshot = maker.lake.snapshot()
    wanted = messages[-1]  # a receipt of the newest hour
    for file in snapshot.files():
        if file.hour != hour_of(wanted) and file.event_type != EventType.HOUR_CLOSED:
            Path(snapshot.uri(file)).unlink()
    assert len(find_messages(snapshot, EventName(id_of(wanted))).valid) == 1


def test_an_hour_without_receipts_and_an_event_behind_its_number_are_found_as_well(maker, messages):
    newest = hour_of(messages[-1])
    closed = [message for message in messages if hour_of(message) < newest and id_of(message) != "run-3-venue-1-3"]
    still_open = [message for message in messages if hour_of(message) == newest and message[0] != RECEIPTS]
    maker.append([*closed, *still_open, renamed(still_open[0], "run-3", "venue-1", 3)])
    snapshot = maker.lake.snapshot()
    assert len(find_messages(snapshot, EventName(id_of(still_open[-1]))).valid) == 1
    assert find_messages(snapshot, EventName("run-3-venue-1-3")).valid[0].file.hour == newest


def test_what_never_came_is_told_by_the_newest_receipt_of_its_venue(maker, messages):
    lost = next(message for message in messages if id_of(message) == "run-3-venue-1-7")
    maker.append([message for message in messages if message != lost])
    snapshot = maker.lake.snapshot()
    newest = max(int(id_of(m).rpartition("-")[2]) for m in messages if id_of(m).startswith("run-3-venue-1-"))
    assert find_messages(snapshot, EventName(id_of(lost))).newest_number == newest
    assert find_messages(snapshot, EventName("run-3-venue-9-7")).newest_number is None


@BOTH_PLACES
def test_a_message_in_quarantine_is_found_by_exactly_its_id_in_its_bytes(maker, messages):
    maker.append(messages)
    nobody = [renamed(messages[0], "run-3", "venue-1", number) for number in (77777, 777771)]
    maker.refuse([*nobody, (messages[0][0], b"\xff run-3-venue-1-77777")], "malformed_json")
    snapshot = maker.lake.snapshot()
    found = find_messages(snapshot, EventName("run-3-venue-1-77777"))
    assert found.valid == ()
    assert [message.reason for message in found.quarantined] == ["malformed_json"] * 2
    assert len(find_messages(snapshot, EventName("3-venue-1-77777")).quarantined) == 0
    assert len(find_messages(snapshot, EventName("run-3-venue-1-777771")).quarantined) == 1


def test_run_and_venue_tell_two_events_of_one_id_apart(maker, messages):
    maker.append([renamed(messages[0], "a", "b-c", 1), renamed(messages[0], "a-b", "c", 1)])
    snapshot = maker.lake.snapshot()
    both = find_messages(snapshot, EventName("a-b-c-1"))
    assert {message.identity for message in both.valid} == {("a", "b-c"), ("a-b", "c")}
    for name in (EventName("a-b-c-1", run_id="a-b"), EventName("a-b-c-1", venue_id="c")):
        assert [message.identity for message in find_messages(snapshot, name).valid] == [("a-b", "c")]


@pytest.mark.parametrize(
    "event_id",
    ["", "x", "-", "a-1", "a-b-", "a-b-c", "a-b-1x", "a-b-\u0661", "-b-1", "a--1", f"a-b-{'9' * 5000}", "a\n-b-1"],
)
def test_what_cannot_be_an_id_is_refused(event_id):
    with pytest.raises(UnknownEvent, match="expected <run_id>-<venue_id>-<sequence>"):
        EventName(event_id)


def test_a_run_that_does_not_fit_the_id_is_refused():
    with pytest.raises(UnknownEvent, match="Invalid event id"):
        EventName("a-b-1", run_id="b")


def test_the_receipts_that_count_an_event_are_found_by_its_type_and_hour(maker, messages):
    maker.append(messages)
    [receipt] = receipts_of(maker.lake.snapshot(), hour_of(messages[0]), "run-3", "venue-1", EventType.SCAN_TICKETS)
    assert receipt.fields["of_event_type"] == EventType.SCAN_TICKETS


@BOTH_PLACES
def test_a_row_s_commit_is_found_by_when_it_was_read_whatever_has_moved_it_since(maker, messages):
    batches = [messages[:200], messages[200:400], messages[400:600]]
    for batch in batches:
        maker.append(batch, at=datetime.now(UTC))
    before = [commit_of_message(maker, batch[0]) for batch in batches]
    assert [(commit.version, moved) for commit, moved in before] == [(0, False), (1, False), (2, False)]
    maker.table.optimize.compact()
    after = [commit_of_message(maker, batch[0]) for batch in batches]
    assert [commit.version for commit, _ in after] == [0, 1, 2]
    assert any(moved for _, moved in after)


def commit_of_message(maker: LakeMaker, message):
    """The commit of a message, and whether its row is in another file by now."""
    lake = maker.lake
    snapshot = lake.snapshot()
    [found] = find_messages(snapshot, EventName(id_of(message))).valid
    commit = commit_of(lake, snapshot.version, found)
    return commit, found.file.path not in {file.path for file in commit.added}


def test_a_reprocessed_message_came_with_the_commit_that_put_it_into_quarantine(maker, messages):
    maker.append(messages[:100])
    now, offset = datetime.now(UTC), maker.offsets.get(messages[200][0], 0)
    maker.refuse([messages[200]], "bad_value:line", at=now)
    maker.move([messages[200]], offset, at=now)
    commit, moved = commit_of_message(maker, messages[200])
    assert (commit.version, moved) == (1, True)


def test_a_commit_whose_log_entry_was_cleaned_up_is_not_guessed(maker, messages):
    for batch in (messages[:100], messages[100:200], messages[200:300]):
        maker.append(batch, at=datetime.now(UTC))
    lake = maker.lake
    snapshot = lake.snapshot()
    [found] = find_messages(snapshot, EventName(id_of(messages[150]))).valid
    for version in (0, 1):
        (maker.root / "events" / "_delta_log" / f"{version:020}.json").unlink()
    assert commit_of(lake, snapshot.version, found) is None
    assert first_version_from(lake, snapshot.version, datetime(2020, 1, 1, tzinfo=UTC)) is None
    assert first_version_from(lake, snapshot.version, datetime.now(UTC)) == snapshot.version + 1
