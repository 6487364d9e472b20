"""What each station has of messages, after all of them have run: of one message, and of all; and where one was lost."""

import json
import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import confluent_kafka
import duckdb
import pytest

from simulator.events import ACTIVITY_TYPES, EventType
from streaming.exceptions import UnknownEvent
from streaming.hour import ONE_HOUR, Hour
from streaming.lake.event_search import EventName
from streaming.lake.forgotten_runs import forget_run
from streaming.lake.layout import QUARANTINE
from ticketsim.explanation import Explanation, explain
from ticketsim.trace.hop import Hop, Trace
from ticketsim.trace.way import trace_event
from ticketsim_assets.settings import Settings
from ticketsim_assets.warehouse.factory import create_warehouse
from ticketsim_assets.warehouse.wait_policy import NO_WAIT

from ..ticketsim_assets.conftest import START, LakeMaker, Message, fields, simulated
from .conftest import CommandLine

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def messages() -> list[Message]:
    return simulated(hours=0.6, venues=2, run_id="traced")


def of_type(messages: list[Message], event_type: EventType) -> str:
    """The id of a message of this type, of the middle of the run."""
    of_this_type = [message for message in messages if message[0] == event_type.topic]
    return fields(of_this_type[len(of_this_type) // 2])["event_id"]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory, messages) -> LakeMaker:
    """A home whose hours were loaded: with copies, a message in quarantine, and a run that is still under way."""
    maker = LakeMaker(tmp_path_factory.mktemp("traced") / "lake")
    now = datetime.now(UTC)
    maker.append([*messages, *messages[20:40]], at=now)
    maker.refuse([(messages[0][0], b'{"event_id":"traced-venue-1-77777","line":')], "malformed_json", at=now)
    under_way = [
        message for message in simulated(hours=0.1, venues=1, run_id="open") if message[0] != "ticketsim.hour_closed"
    ]
    a_day = int(timedelta(days=1) / timedelta(microseconds=1))
    maker.append([later(message, a_day) for message in under_way], at=now)
    answer = CommandLine(maker.root.parent, 9)("materialize", "--due")
    assert answer.code == 0, answer.err
    return maker


def later(message: Message, microseconds: int) -> Message:
    moved = {
        name: value + microseconds if name in {"event_time", "started_at", "arrived_at"} else value
        for name, value in fields(message).items()
    }
    return message[0], json.dumps(moved).encode()


def settings_of(maker: LakeMaker) -> Settings:
    return Settings(home=maker.root.parent, bootstrap="127.0.0.1:9")


def hops_of(found: Trace) -> dict[str, Hop]:
    return {hop.station: hop for hop in found.hops}


@pytest.fixture
def copy(loaded, tmp_path) -> LakeMaker:
    """The loaded home again, for a test to spoil."""
    shutil.copytree(loaded.root.parent, tmp_path / "home")
    return replace(loaded, root=tmp_path / "home" / "lake", offsets=dict(loaded.offsets))


@pytest.mark.parametrize("event_type", ACTIVITY_TYPES)
def test_an_activity_is_followed_to_the_page_and_to_its_receipt_and_every_hop_has_its_time_in_order(
    loaded, messages, event_type
):
    found = trace_event(settings_of(loaded), EventName(of_type(messages, event_type)))
    assert found.missing is None
    assert (found.run_id, found.event_type, found.hour) == ("traced", event_type, Hour(START))
    hops = hops_of(found)
    assert list(hops) == ["produced", "kafka", "lake", "warehouse", "marts", "page", "receipt"]
    times = [at for station in ("kafka", "lake", "warehouse", "marts", "page") if (at := hops[station].at)]
    assert (len(times), times) == (5, sorted(times))
    assert hops["lake"].facts["version"] == 0
    assert hops["warehouse"].facts["loads"][0]["run_state"] == "success"
    assert hops["receipt"].facts["comparison"]["state"] == "proved"
    own = {mart["mart"] for mart in hops["marts"].facts["marts"] if mart["own_row"]}
    assert own == {
        EventType.BUY_TICKETS: {"fct_ticket_sales"},
        EventType.WAIT_IN_SELLER_LINE: {"fct_queue_waits"},
        EventType.WAIT_IN_SCANNER_LINE: {"fct_queue_waits"},
        EventType.SCAN_TICKETS: {"fct_admissions", "fct_visitor_journeys"},
    }.get(event_type, set())


def test_the_command_says_the_same_as_json_within_two_seconds_of_its_own_work(loaded, messages):
    ticketsim = CommandLine(loaded.root.parent, 9)
    event_id = of_type(messages, EventType.SCAN_TICKETS)
    answer = ticketsim("trace", event_id, "--json")
    assert answer.code == 0, answer.err
    assert [hop["station"] for hop in answer.json["hops"]] == [
        *("produced", "kafka", "lake", "warehouse", "marts", "page", "receipt")
    ]
    assert (answer.json["event_id"], answer.json["missing"]) == (event_id, None)
    kafka = answer.json["hops"][1]
    assert (kafka["topic"], kafka["partition"], kafka["still_there"]) == ("ticketsim.scan_tickets", 0, None)
    shown = ticketsim("trace", event_id)
    assert (shown.code, shown.out) == (0, "")
    for word in ("no broker at 127.0.0.1:9", "version 0", "fct_admissions", "proved"):
        assert word in " ".join(shown.err.split())
    began = time.process_time()
    trace_event(settings_of(loaded), EventName(event_id))
    assert time.process_time() - began < 2


def test_a_receipt_is_followed_too_and_says_what_it_counts(loaded, messages):
    hops = hops_of(trace_event(settings_of(loaded), EventName(of_type(messages, EventType.HOUR_CLOSED))))
    assert hops["marts"].found
    assert "counts" in hops["receipt"].said
    assert "proved" in hops["receipt"].said


def test_all_offsets_of_a_copied_message_are_shown_and_the_one_that_stays(loaded, messages):
    found = trace_event(settings_of(loaded), EventName(fields(messages[30])["event_id"]))
    offsets = [hop.facts["offset"] for hop in found.hops if hop.station == "kafka"]
    assert len(set(offsets)) == 2
    assert sum(hop.station == "lake" for hop in found.hops) == 2
    assert hops_of(found)["warehouse"].facts["kafka_offset"] == min(offsets)


def test_a_message_in_quarantine_is_shown_with_its_reason_and_is_missing_in_the_lake(loaded):
    found = trace_event(settings_of(loaded), EventName("traced-venue-1-77777"))
    assert found.missing == "lake"
    assert hops_of(found)["quarantine"].facts["reason"] == "malformed_json"


def test_an_event_of_an_hour_that_is_not_complete_is_in_the_lake_and_says_what_is_waited_for(loaded):
    found = trace_event(settings_of(loaded), EventName("open-venue-1-5"))
    assert found.missing == "warehouse"
    assert "not loaded: hour 2026-03-02T10:00Z is pending" in hops_of(found)["warehouse"].said
    assert hops_of(found)["receipt"].found is False


def test_a_late_event_is_not_loaded_until_its_hour_is_loaded_again(copy, messages):
    late = simulated(hours=0.1, venues=1, run_id="late")
    copy.append(late, at=datetime.now(UTC))
    found = trace_event(settings_of(copy), EventName(fields(late[0])["event_id"]))
    assert found.missing == "warehouse"
    assert "was loaded before it came" in hops_of(found)["warehouse"].said
    assert hops_of(found)["lake"].facts["version"] == 3


def test_an_event_of_a_forgotten_run_says_so(copy):
    forget_run(copy.lake, "open", datetime.now(UTC))
    found = trace_event(settings_of(copy), EventName("open-venue-1-5"))
    assert "run open is forgotten" in hops_of(found)["warehouse"].said


def test_a_row_that_somebody_deleted_is_named_at_the_station_that_lacks_it(copy, messages):
    event_id = of_type(messages, EventType.BUY_TICKETS)
    with duckdb.connect(copy.root.parent / "warehouse.duckdb") as connection:
        connection.execute("delete from marts.fct_ticket_sales where event_id = ?", [event_id])
    assert trace_event(settings_of(copy), EventName(event_id)).missing == "marts"
    with duckdb.connect(copy.root.parent / "warehouse.duckdb") as connection:
        connection.execute("delete from raw.events where event_id = ?", [event_id])
    found = trace_event(settings_of(copy), EventName(event_id))
    assert found.missing == "warehouse"
    assert "wrong, 1 of" in hops_of(found)["receipt"].said


def test_while_a_run_has_the_warehouse_the_readers_copy_answers(copy, messages, capsys):
    with duckdb.connect(copy.root.parent / "warehouse.duckdb"):
        answer = CommandLine(copy.root.parent, 9)("trace", of_type(messages, EventType.BUY_TICKETS), "--json")
    assert answer.code == 0, answer.err
    assert "copy for readers" in answer.err


def test_without_dagster_s_records_and_a_warehouse_the_lake_still_answers(copy, messages):
    shutil.rmtree(copy.root.parent / "dagster")
    name = EventName(of_type(messages, EventType.BUY_TICKETS))
    assert hops_of(trace_event(settings_of(copy), name))["warehouse"].found
    (copy.root.parent / "warehouse.duckdb").unlink()
    found = trace_event(settings_of(copy), name)
    assert found.missing == "warehouse"
    assert "no run has loaded it yet" in hops_of(found)["warehouse"].said


def test_what_was_lost_on_its_way_is_told_from_what_nobody_knows(copy, messages):
    victim = next(m for m in messages if m[0] == EventType.SCAN_TICKETS.topic and fields(m)["venue_id"] == "venue-1")
    copy.table.delete(f"event_id = '{fields(victim)['event_id']}'")
    found = trace_event(settings_of(copy), EventName(fields(victim)["event_id"]))
    assert found.missing == "lake"
    assert "its venue has sent receipts with numbers up to" in hops_of(found)["produced"].said
    with pytest.raises(UnknownEvent, match="the newest receipt of its venue has the number"):
        trace_event(settings_of(copy), EventName("traced-venue-1-99999999"))
    with pytest.raises(UnknownEvent, match="nothing of its venue"):
        trace_event(settings_of(copy), EventName("nobody-venue-1-1"))


def test_two_events_of_one_id_are_told_apart_by_run_and_venue(tmp_path, messages):
    maker = LakeMaker(tmp_path / "lake")
    for run_id, venue_id in (("a", "b-c"), ("a-b", "c")):
        names = {"run_id": run_id, "venue_id": venue_id, "event_id": "a-b-c-1"}
        maker.append([(messages[0][0], json.dumps(fields(messages[0]) | names).encode())], at=START + ONE_HOUR)
    with pytest.raises(UnknownEvent, match=r"2 events have the id .*--run a --venue b-c; --run a-b --venue c"):
        trace_event(settings_of(maker), EventName("a-b-c-1"))
    found = trace_event(settings_of(maker), EventName("a-b-c-1", run_id="a-b"))
    assert (found.run_id, found.venue_id, found.missing) == ("a-b", "c", "warehouse")
    assert CommandLine(Path(maker.root.parent), 9)("trace", "a-b-c-1").code == 2


def explained(maker: LakeMaker, bootstrap: str = "127.0.0.1:9", *, run_id: str = "traced") -> Explanation:
    """All stations of the copy; of what differs only what is of one run."""
    settings = settings_of(maker).model_copy(update={"bootstrap": bootstrap})
    if settings.warehouse_path.exists():
        with create_warehouse(settings, NO_WAIT).reading() as reader:
            found = explain(settings, reader, None, None)
    else:
        found = explain(settings, None, None, None)
    differing = tuple(each for each in found.comparison.differing if each.place.run_id == run_id)
    return replace(found, comparison=replace(found.comparison, differing=differing))


def spoil(maker: LakeMaker, statement: str, *values: str) -> None:
    with duckdb.connect(maker.root.parent / "warehouse.duckdb") as connection:
        connection.execute(statement, list(values))


def test_every_station_has_what_was_produced_and_what_is_still_to_be_loaded_is_named(loaded, messages):
    found = explained(loaded)
    produced = sum(message[0] != EventType.HOUR_CLOSED.topic for message in messages)
    totals = found.comparison.totals
    assert (totals["produced"], totals["warehouse"], totals["receipts"]) == (produced, produced, 14)
    assert totals["marts"] == totals["counted_by_marts"] > 0
    assert found.ok
    assert list(found.lines())[-1] == "no station differs"
    not_loaded = explained(loaded, run_id="open").comparison.differing
    assert {(each.first, each.difference) for each in not_loaded} == {("warehouse", "the hour is not loaded")}


@pytest.mark.parametrize(
    ("statement", "first", "difference"),
    [
        ("delete from raw.events where event_id = ?", "warehouse", "1 of"),
        ("update raw.events set party_size = 9 where event_id = ?", "warehouse", "contents differ"),
        ("delete from marts.fct_ticket_sales where event_id = ?", "marts", "1 of"),
        ("insert into marts.fct_ticket_sales from marts.fct_ticket_sales where event_id = ?", "marts", "1 more"),
        ("update marts.agg_venue_hourly set revenue_cents = revenue_cents + 1 where ? <> ''", "marts", "revenue_cents"),
    ],
)
def test_a_change_of_the_warehouse_or_of_a_mart_is_named_at_that_station(copy, messages, statement, first, difference):
    spoil(copy, statement, of_type(messages, EventType.BUY_TICKETS))
    found = explained(copy).comparison.differing
    assert {(each.place.event_type, each.first) for each in found} == {(EventType.BUY_TICKETS, first)}
    assert all(difference in each.difference for each in found)
    digests = found[0].digests
    assert digests["produced"] == digests["lake"] is not None
    assert (digests["warehouse"] != digests["lake"]) == (first == "warehouse")


def test_the_command_names_the_first_station_in_words_and_as_json_at_eighty_columns(copy, messages):
    spoil(copy, "delete from raw.events where event_id = ?", of_type(messages, EventType.SCAN_TICKETS))
    ticketsim = CommandLine(copy.root.parent, 9, {"COLUMNS": "80"})
    answer = ticketsim("reconcile", "--explain", "--json")
    assert answer.code == 1
    [differs] = [each for each in answer.json["stations"]["differences"] if each["run_id"] == "traced"]
    assert (differs["event_type"], differs["first"]) == ("scan_tickets", "warehouse")
    assert differs["counts"]["lake"] - differs["counts"]["warehouse"] == 1
    assert answer.json["stations"]["kafka"]["asked"] is False
    assert "scan_tickets: warehouse: 1 of" in answer.err
    assert "not asked: no broker at 127.0.0.1:9" in answer.err
    assert max(map(len, answer.err.splitlines()[:5])) <= 80


def test_rows_that_the_lake_has_lost_are_named_there_and_make_its_offsets_unsound(copy, messages):
    copy.table.delete(f"event_id = '{of_type(messages, EventType.SCAN_TICKETS)}'")
    found = explained(copy)
    [differs] = found.comparison.differing
    assert (differs.place.event_type, differs.first) == (EventType.SCAN_TICKETS, "lake")
    assert not found.kafka.check.sound
    assert any("ticketsim.scan_tickets/0" in line for line in found.lines())


def test_a_copy_with_other_contents_that_was_loaded_is_named_in_the_lake(copy, messages):
    sale = next(message for message in messages if message[0] == EventType.BUY_TICKETS.topic)
    copy.append([(sale[0], json.dumps(fields(sale) | {"amount_cents": 1}).encode())], at=datetime.now(UTC))
    snapshot, hour = copy.lake.snapshot(), Hour(START)
    files = [snapshot.uri(file) for file in snapshot.files(hour) if file.event_type != QUARANTINE]
    create_warehouse(settings_of(copy), NO_WAIT).replace_hours("events", {hour: files})
    [differs] = explained(copy).comparison.differing
    assert (differs.place.event_type, differs.first) == (EventType.BUY_TICKETS, "lake")
    assert "came again with other contents" in differs.difference


def test_an_event_without_a_mart_that_counts_it_is_compared_up_to_the_warehouse(copy, messages):
    walk = of_type(messages, EventType.WALK_TO_SELLER)
    spoil(copy, "delete from raw.events where event_id = ?", walk)
    [differs] = explained(copy).comparison.differing
    assert (differs.first, differs.marts) == ("warehouse", None)


def test_without_a_warehouse_everything_is_said_to_be_not_loaded(copy):
    (copy.root.parent / "warehouse.duckdb").unlink()
    found = explained(copy)
    assert {each.first for each in found.comparison.differing} == {"warehouse"}
    assert found.comparison.totals["warehouse"] == 0


def test_what_is_still_in_kafka_is_told_from_what_never_came_there(topics, tmp_path, messages):
    few = messages[: [message[0] for message in messages].index(EventType.HOUR_CLOSED.topic) + 7]
    scans = [message for message in few if message[0] == EventType.SCAN_TICKETS.topic]
    walks = [message for message in few if message[0] == EventType.WALK_TO_SCANNER.topic]
    producer = confluent_kafka.Producer({"bootstrap.servers": topics})
    for message in few:
        if message != walks[3]:
            producer.produce(message[0], message[1], partition=0)
    producer.flush()
    maker = LakeMaker(tmp_path / "lake")
    maker.append([message for message in few if message not in (walks[3], scans[-1])], at=datetime.now(UTC))
    found = explained(maker, topics)
    firsts = {each.place.event_type: each for each in found.comparison.differing if each.first != "warehouse"}
    assert {event_type: each.first for event_type, each in firsts.items()} == {
        EventType.SCAN_TICKETS: "lake",
        EventType.WALK_TO_SCANNER: "kafka",
    }
    assert "has not read 1 messages" in firsts[EventType.SCAN_TICKETS].difference
    assert (found.kafka.asked, found.kafka.records, sum(found.kafka.lag.values())) == (True, len(few) - 1, 1)
    assert found.as_json()["kafka"]["partitions"]["ticketsim.scan_tickets/0"]["end"] == len(scans)
    hops = hops_of(
        trace_event(
            settings_of(maker).model_copy(update={"bootstrap": topics}), EventName(fields(scans[0])["event_id"])
        )
    )
    assert hops["kafka"].facts["still_there"] is True
    lost = trace_event(
        settings_of(maker).model_copy(update={"bootstrap": topics}), EventName(fields(walks[3])["event_id"])
    )
    assert (lost.missing, hops_of(lost)["lake"].facts["lag"]) == ("lake", 1)
