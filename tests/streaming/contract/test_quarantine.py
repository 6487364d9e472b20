"""The quarantine on the command line: listed, shown, and reprocessed next to a running stream."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pyarrow as pa
import pytest
from confluent_kafka import Producer

from simulator.events import EVENT_TYPES, EventType
from streaming.contract.quarantine import Selection, revalidate
from streaming.contract.reprocess import _valid_rows
from streaming.lake.reader import Lake
from streaming.locks.commit_queue import others_wait, turn_holder
from streaming.locks.stream_lease import lease_holder
from streaming.storage import path_of

from ...conftest import BOTH_PLACES
from ...ticketsim_assets.conftest import lake_maker
from ..test_stream import TIMEOUT_S, Stream, event_numbers, wait_until

ROOT = Path(__file__).parents[3]

SOON = datetime(2026, 3, 1, 10, tzinfo=UTC)


def ticketsim(*arguments: str, lake: Path | str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "ticketsim", "quarantine", *arguments, f"--lake={lake}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


@pytest.fixture
def planted(request, tmp_path, lake_place) -> str:
    """A lake with a few messages in quarantine."""
    maker = lake_maker(request, tmp_path / "lake", lake_place)
    maker.append([("ticketsim.scan_tickets", b"\x1b[31mred\x00"), ("ticketsim.buy_tickets", None)], at=SOON)
    maker.append([("ticketsim.buy_tickets", b'{"event_type": "fly_away"}')] * 3, at=SOON + timedelta(hours=2))
    maker.append([("ticketsim.buy_tickets", b"[" * 5_000)], at=SOON + timedelta(hours=3))
    return maker.lake.root


@BOTH_PLACES
@pytest.mark.slow
def test_ls_names_each_reason_with_its_number_and_when_the_messages_came(planted):
    answer = ticketsim("ls", "--json", lake=planted)
    assert json.loads(answer.stdout) == {
        "messages": 6,
        "reasons": [
            {
                "reason": "malformed_json",
                "messages": 3,
                "first_arrival": "2026-03-01T10:00:00+00:00",
                "last_arrival": "2026-03-01T13:00:00+00:00",
                "hours": 2,
            },
            {
                "reason": "unknown_event_type",
                "messages": 3,
                "first_arrival": "2026-03-01T12:00:00+00:00",
                "last_arrival": "2026-03-01T12:00:00+00:00",
                "hours": 1,
            },
        ],
    }
    limited = ticketsim("ls", "--json", "--topic=scan_tickets", "--to=2026-03-01T10:00", lake=planted)
    assert json.loads(limited.stdout)["messages"] == 1
    assert "unknown_event_type" in ticketsim("ls", "--reason=unknown_event_type", lake=planted).stderr


@pytest.mark.slow
def test_show_escapes_what_a_terminal_would_obey_and_cuts_what_is_long(planted):
    shown = ticketsim("show", "--json", "--bytes=20", lake=planted)
    messages = json.loads(shown.stdout)["messages"]
    assert [message["arrived_at"][11:13] for message in messages] == ["13", "12", "12", "12", "10", "10"]
    assert messages[0]["bytes"] == 5_000
    assert messages[0]["text"] == "[" * 20 + "... (4,980 bytes more)"
    of_10 = {message["topic"]: message["text"] for message in messages[-2:]}
    assert of_10 == {"ticketsim.buy_tickets": "(no value)", "ticketsim.scan_tickets": "\\x1b[31mred\\x00"}
    assert "\x1b[31m" not in ticketsim("show", lake=planted).stderr


@BOTH_PLACES
@pytest.mark.slow
def test_reprocessing_with_nothing_to_move_starts_no_spark_and_says_what_is_still_wrong(planted):
    before = Lake(planted).snapshot().version
    answer = json.loads(ticketsim("reprocess", "--json", lake=planted).stdout)
    assert (answer["examined"], answer["moved"], answer["kept"], answer["version"]) == (6, 0, 6, None)
    assert answer["kept_by"] == {"malformed_json": 3, "unknown_event_type": 3}
    assert Lake(planted).snapshot().version == before
    assert not (path_of(planted) / ".commit.turn").exists()


@pytest.mark.slow
def test_the_old_name_of_reprocess_does_the_same_and_says_the_new_one(request, tmp_path):
    maker = lake_maker(request, tmp_path / "lake", "disk")
    maker.append([("ticketsim.buy_tickets", b"[")], at=SOON)
    old, new = (ticketsim(name, "--json", lake=maker.lake.root) for name in ("replay", "reprocess"))
    assert (old.returncode, json.loads(old.stdout)) == (0, json.loads(new.stdout))
    assert "ticketsim quarantine reprocess" in old.stderr
    assert "ticketsim quarantine reprocess" not in new.stderr


def test_what_a_slow_clock_of_its_sender_made_a_future_event_is_judged_by_when_the_stream_read_it(tmp_path, good):
    maker = lake_maker(None, tmp_path / "lake", "disk")
    sale = good(EventType.BUY_TICKETS, 1, round(SOON.timestamp() * 1e6))
    messages = [(EventType.BUY_TICKETS.topic, json.dumps(sale | changes).encode()) for changes in ({}, {"line": 0})]
    sent_at = SOON - timedelta(hours=5)
    rows = maker._rows(messages, sent_at)
    assert rows["reason"].to_pylist() == ["bad_value:event_time", "bad_value:line"]
    read_at = pa.array([SOON + timedelta(minutes=1)] * 2, rows.schema.field("ingested_at").type)
    rows = rows.set_column(rows.schema.get_field_index("ingested_at"), rows.schema.field("ingested_at"), read_at)
    maker.append_rows(rows)

    found = revalidate(maker.lake.snapshot(), Selection())
    assert found.valid == {("bad_value:event_time", "buy_tickets"): 1}
    assert found.refused == {"bad_value:line": 1}
    [moved] = _valid_rows(rows.combine_chunks().to_batches()[0]).to_pylist()
    assert (moved["was_reason"], moved["event_type"], moved["event_hour"]) == (
        "bad_value:event_time", "buy_tickets", SOON.hour,
    )  # fmt: skip
    assert (moved["kafka_timestamp"], moved["ingested_at"]) == (sent_at, SOON + timedelta(minutes=1))


@pytest.fixture
def older_release(tmp_path) -> Path:
    """This software as it was before tickets were sold online."""
    folder = tmp_path / "older"
    for package in ("simulator", "streaming", "ticketsim_assets", "ticketsim"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    contract = folder / "simulator" / "events.py"
    text = contract.read_text()
    assert text.count('("box_office", "online")') == 1
    contract.write_text(text.replace('("box_office", "online")', '("box_office",)'))
    return folder


@pytest.mark.slow
def test_messages_that_an_older_release_refused_are_moved_beside_a_running_stream_whenever_reprocessing_is_killed(  # noqa: PLR0915
    topics, tmp_path, good, older_release, monkeypatch
):
    stream = Stream(topics, tmp_path)
    now_us = time.time_ns() // 1000
    producer = Producer({"bootstrap.servers": topics, "linger.ms": 5})

    def produce(numbers) -> None:
        for number in numbers:
            kind = EVENT_TYPES[number % len(EVENT_TYPES)]
            message = good(kind, number, now_us)
            if "channel" in message and number % 2:
                message["channel"] = "online"
            producer.produce(kind.topic, json.dumps(message), key=str(number % 11))
        assert producer.flush(30) == 0

    try:
        produce(range(400))
        producer.produce(EventType.SCAN_TICKETS.topic, b"nonsense")
        with monkeypatch.context() as patch:
            patch.setenv("PYTHONPATH", str(older_release))
            refused = stream.once()
        online = sum(1 for n in range(400) if n % 2 and EVENT_TYPES[n % 8] not in {"bus_arrival", "hour_closed"})
        assert (refused["rows"], refused["quarantined"]) == (401, online + 1)

        running = stream.start("--trigger=1s")
        wait_until(lambda: turn_holder(str(stream.lake)) is not None, running)
        would = json.loads(ticketsim("reprocess", "--dry-run", "--json", lake=stream.lake).stdout)
        assert (would["dry_run"], would["moved"], would["version"]) == (True, online, None)

        status = [sys.executable, "-m", "ticketsim", "status", "--json"]
        env = {**os.environ, "TICKETSIM_HOME": str(stream.home), "TICKETSIM_BOOTSTRAP": topics}
        told = json.loads(subprocess.run(status, env=env, capture_output=True, check=True).stdout)
        assert (told["broker"]["state"], told["broker"]["messages"]) == ("runs", 401)
        assert (told["stream"]["state"], told["stream"]["holder"]["pid"]) == ("runs", running.pid)
        assert set(told["stream"]["lag"].values()) == {0}
        assert (told["lake"]["rows"], told["lake"]["quarantined"]) == (401, online + 1)

        # Killed when its files are there and its commit is not, or at worst just after.
        command = [sys.executable, "-m", "ticketsim", "quarantine", "reprocess", f"--lake={stream.lake}"]
        known = data_files(stream.lake)
        killed = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_until(lambda: reprocesses(stream.lake), running)
        while data_files(stream.lake) <= known:
            time.sleep(0.01)
        for child in psutil.Process(killed.pid).children(recursive=True):
            child.kill()
        killed.kill()
        killed.wait()

        produce(range(400, 800))
        reprocessed = ticketsim("reprocess", "--json", lake=stream.lake)
        assert reprocessed.returncode == 0, reprocessed.stderr
        moved = json.loads(reprocessed.stdout)
        assert moved["moved"] in {online, 0}
        assert moved["kept"] == 1
        wait_until(lambda: len(event_numbers(stream)) == 800, running)
        assert revalidate(Lake(str(stream.lake)).snapshot(), Selection()).refused == {"malformed_json": 1}
        assert event_numbers(stream) == list(range(800))
        stream.require_exactly_what_kafka_holds()
        assert Counter(row["event_type"] for row in stream.rows("event_type"))["quarantine"] == 1
        assert running.poll() is None
        assert not others_wait(str(stream.lake))
        assert "ticketsim stream" in str(lease_holder(str(stream.lake)))
        running.send_signal(signal.SIGTERM)
        out, errors = running.communicate(timeout=TIMEOUT_S)
        assert running.returncode == 0, errors
        assert json.loads(out)["rows"] == 400
        assert "waits for its turn" in errors
    finally:
        for process in stream.started:
            process.kill()


def reprocesses(lake: Path) -> bool:
    """Return whether reprocessing has its turn."""
    return "reprocess" in str(turn_holder(str(lake)))


def data_files(lake: Path) -> int:
    """Return how many data files of activities there are."""
    return sum(1 for _ in lake.glob("events/event_type=[!q]*/**/*.parquet"))
