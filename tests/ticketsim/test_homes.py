"""Where Ticketsim lives: a home that a library would misread is refused by every command, before anything starts."""

import pytest

#: Every command that reads or writes in home.
COMMANDS = (
    "broker start",
    "broker stop",
    "broker status",
    "broker topics",
    "stream --once",
    "status",
    "materialize --due",
    "reconcile",
    "reconcile --explain",
    "trace run-venue-1",
    "latency",
    "dashboard",
    "demo --hours 0.1",
    "up",
    "quarantine ls",
    "quarantine show",
    "quarantine reprocess",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_home_that_a_library_would_misread_is_refused_before_anything_starts(
    run_ticketsim, monkeypatch, tmp_path, command
):
    monkeypatch.setenv("TICKETSIM_HOME", str(tmp_path / "100% [mine]"))
    code, out, err = run_ticketsim(*command.split())
    assert (code, out) == (1, "")
    assert err == (
        f"error: TICKETSIM_HOME is '{tmp_path}/100% [mine]'. Choose a path without %, which Delta Lake decodes as an "
        "escaped character.\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command", ["stream --once --lake", "stream --once --checkpoint", "quarantine ls --lake", "broker status --dir"]
)
def test_so_is_a_location_that_is_named_on_the_command_line(run_ticketsim, tmp_path, command):
    code, _, err = run_ticketsim(*command.split(), str(tmp_path / "a#b"))
    assert code == 1
    assert err.startswith(f"error: {command.split()[-1]} is '{tmp_path}/a#b'. Choose a path without #, which dbt takes")
    assert list(tmp_path.iterdir()) == []
