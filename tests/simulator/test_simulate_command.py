import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

COMMAND = Path(sys.executable).with_name("ticketsim")


@pytest.fixture
def lines(tmp_path):
    """What `ticketsim simulate` writes with these options, and its summary."""

    def run(*options):
        file = tmp_path / "events.jsonl"
        arguments = ["simulate", "--start", "2026-03-01", "--hours", "1.5", "--to", f"file:{file}", "--json", *options]
        done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, timeout=120, check=True)
        return [json.loads(line) for line in file.read_text().splitlines()], json.loads(done.stdout)

    return run


def test_people_inside_at_the_end_finish_or_are_cut_off_as_asked(lines):
    drained, summary = lines()
    cut, cut_summary = lines("--no-drain")
    horizon = 1_772_323_200_000_000 + 5_400_000_000

    def scanned(messages):
        return sum(m["event_type"] == "scan_tickets" for m in messages)

    def arrived(messages):
        return sum(m["party_size"] for m in messages if m["event_type"] == "bus_arrival")

    assert scanned(drained) == arrived(drained) == arrived(cut) > scanned(cut) > 0
    assert max(m["event_time"] for m in cut if m["event_type"] != "hour_closed") < horizon
    assert sum(m["event_count"] for m in cut if m["event_type"] == "hour_closed") == sum(
        m["event_type"] != "hour_closed" for m in cut
    )
    assert summary["run_id"] != cut_summary["run_id"]
    assert not cut_summary["stopped"]


def test_parts_of_a_run_given_the_same_start_and_hours_have_the_same_name(lines):
    first, _ = lines("--venues", "1", "--run-venues", "3")
    second, _ = lines("--venues", "2", "--venue-offset", "1", "--run-venues", "3", "--workers", "2")

    assert {m["run_id"] for m in first} == {m["run_id"] for m in second}
    assert {m["venue_id"] for m in first + second} == {"venue-1", "venue-2", "venue-3"}
    assert not {m["event_id"] for m in first} & {m["event_id"] for m in second}
