import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from simulator import engine_choice
from simulator.engine_choice import choose_engine
from simulator.exceptions import EngineRefused

COMMAND = Path(sys.executable).with_name("ticketsim")


@pytest.fixture
def without_numba(monkeypatch):
    monkeypatch.setattr(engine_choice, "find_spec", lambda name: None)


def test_long_runs_are_the_fast_engines(plan):
    assert choose_engine("auto", plan("original", hours=1)) == "simpy"
    assert choose_engine("auto", plan("original", hours=1000)) == "fast"


def test_what_counts_is_what_one_process_has_to_do(plan):
    run = plan("original", hours=24, venues=20)

    assert choose_engine("auto", run, workers=1) == "fast"
    assert choose_engine("auto", run, workers=20) == "simpy"


def test_an_estimate_of_messages_is_close(plan, summarised):
    options = {"hours": 24, "venues": 3}
    estimate = engine_choice._messages(plan("festival", **options))

    assert summarised("festival", **options).total == pytest.approx(estimate, rel=0.2)


def test_a_run_with_a_pace_is_simpys(plan):
    run = plan("original", hours=1000, pace=60)

    assert choose_engine("auto", run) == "simpy"
    with pytest.raises(EngineRefused, match="cannot keep a pace of 60"):
        choose_engine("fast", run)


@pytest.mark.usefixtures("without_numba")
def test_an_engine_that_is_not_installed_is_refused_with_the_cure(plan):
    run = plan("original", hours=1000)

    assert choose_engine("auto", run) == "simpy"
    with pytest.raises(EngineRefused, match=r"make fast.*or use --engine simpy"):
        choose_engine("fast", run)


@pytest.mark.slow
def test_the_command_sends_the_same_with_either_and_says_which(tmp_path):
    found = {}
    for engine in ("simpy", "fast"):
        for workers in ("1", "2"):
            file = tmp_path / engine
            done = subprocess.run(
                [
                    *(COMMAND, "simulate", "--scenario", "festival", "--hours", "6", "--venues", "3", "--json"),
                    *("--engine", engine, "--workers", workers, "--to", f"file:{file}"),
                ],
                capture_output=True,
                text=True,
                check=True,
            )
            assert f"engine {engine}" in done.stderr
            assert json.loads(done.stdout)["engine"] == engine
            lines = file.read_bytes().splitlines()
            found[engine, workers] = sha256(b"\n".join(lines if workers == "1" else sorted(lines))).hexdigest()

    assert found["simpy", "1"] == found["fast", "1"]
    assert found["simpy", "2"] == found["fast", "2"]


@pytest.mark.slow
def test_the_command_refuses_a_pace_with_the_fast_engine():
    command = [COMMAND, "simulate", "--pace", "60", "--engine", "fast"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "Engine fast cannot keep a pace of 60; leave out --pace" in done.stderr
