"""``ticketsim dashboard`` as a process: which warehouse it takes, what it says, how it waits."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

pytestmark = pytest.mark.slow


def _command(home: Path, *options: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ticketsim", "dashboard", *options],
        env={**os.environ, "TICKETSIM_HOME": str(home), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def home(tmp_path: Path, warehouse) -> Path:
    """A TICKETSIM_HOME with a warehouse and no readers' copy."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(warehouse.path, home / "warehouse.duckdb")
    return home


def test_without_a_warehouse_it_names_the_command_that_makes_one(tmp_path: Path) -> None:
    process = _command(tmp_path)
    out, err = process.communicate()
    assert process.returncode == 1
    assert out == ""
    assert "ticketsim demo" in err
    assert str(tmp_path / "warehouse.duckdb") in err
    assert "Traceback" not in err


def test_it_prints_the_pages_path_and_with_json_what_the_page_holds(home: Path) -> None:
    page = home / "dashboard" / "index.html"
    out, err = _command(home).communicate()
    assert out.strip() == str(page), err
    written = page.stat().st_size
    summary = json.loads(_command(home, "--json").communicate()[0])
    assert summary["path"] == str(page)
    assert summary["runs"] == 2
    assert summary["states"] == {"proved": 1288, "counted": 0, "unproved": 0, "wrong": 0}
    assert summary["bytes"] == pytest.approx(written, abs=10)


def test_the_readers_copy_is_preferred_to_a_warehouse_that_a_run_holds(home: Path) -> None:
    shutil.copy(home / "warehouse.duckdb", home / "warehouse_readers.db")
    with duckdb.connect(home / "warehouse.duckdb"):
        process = _command(home)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err


def test_it_waits_for_a_run_that_holds_the_warehouse(home: Path) -> None:
    with duckdb.connect(home / "warehouse.duckdb"):
        process = _command(home)
        time.sleep(6)
        assert process.poll() is None
    out, err = process.communicate(timeout=50)
    assert process.returncode == 0, err
    assert err.count("waiting up to") == 1
    assert out.strip().endswith("index.html")


def test_open_hands_the_page_to_the_browser(home: Path, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > "{tmp_path}/opened"\n')
    browser.chmod(0o755)
    _, err = _command(home, "--open", BROWSER=f"{browser} %s").communicate(timeout=60)
    assert (tmp_path / "opened").read_text().strip() == (home / "dashboard" / "index.html").as_uri(), err
