"""The script that draws: bundled once, kept in the user's cache folder, and bundled where nothing can be kept."""

import importlib.metadata

import pytest

from ticketsim_assets.dashboard import vega
from ticketsim_assets.dashboard.vega import vega_script


@pytest.fixture
def bundled(monkeypatch) -> list[str]:
    """What was bundled; the stand-in is as quick as reading a file."""
    made: list[str] = []
    monkeypatch.setattr(vega, "_bundled", lambda: made.append("bundled") or "script é")
    return made


@pytest.fixture
def cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def in_a_new_process() -> str:
    vega_script.cache_clear()
    return vega_script()


@pytest.fixture(autouse=True)
def _nothing_of_another_test():
    yield
    vega_script.cache_clear()


def test_the_script_is_bundled_once_for_all_processes_and_again_for_another_version(cache_folder, bundled, monkeypatch):
    assert [in_a_new_process() for _ in range(3)] == ["script é"] * 3
    assert len(bundled) == 1
    [kept] = (cache_folder / "ticketsim").iterdir()
    assert kept.read_text(encoding="utf-8") == "script é"
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "next")
    assert in_a_new_process() == "script é"
    assert len(bundled) == 2


def test_the_script_is_bundled_in_each_process_where_no_cache_can_be_written(cache_folder, bundled):
    cache_folder.write_text("not a folder")
    assert [in_a_new_process() for _ in range(2)] == ["script é"] * 2
    assert len(bundled) == 2
