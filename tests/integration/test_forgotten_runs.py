"""Runs that should not have been: forgotten, they are in no figure and hold no hour back; the lake keeps them."""

import duckdb
import pytest

from streaming.lake.forgotten_runs import FORGOTTEN_RUNS

from ..ticketsim_assets.conftest import LakeMaker, fields, hour_of, simulated
from .conftest import CommandLine, figures

pytestmark = pytest.mark.slow

MISTAKE = "mistake"
RECEIPTS = "ticketsim.hour_closed"


@pytest.fixture(scope="module")
def kept():
    return simulated(hours=1.2, venues=1, seed=5, run_id="kept")


@pytest.fixture(scope="module")
def figures_of_kept(tmp_path_factory, kept):
    """Every row of a warehouse that never heard of another run."""
    alone = CommandLine(tmp_path_factory.mktemp("alone"), 9)
    LakeMaker(alone.home / "lake").append(kept)
    loaded = alone("materialize", "--due")
    assert loaded.code == 0, loaded.err
    return figures(alone.home)


@pytest.fixture
def ticketsim(tmp_path):
    return CommandLine(tmp_path / "home", 9)


@pytest.fixture
def maker(ticketsim):
    return LakeMaker(ticketsim.home / "lake")


def in_one_line(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


def require_green(ticketsim: CommandLine, runs: list[str]) -> None:
    """Nothing is due, waits, or differs from its receipts, and no other run is in reconcile and page."""
    reconciled = ticketsim("reconcile", "--strict", "--json")
    assert reconciled.code == 0, reconciled.out
    assert [run["run_id"] for run in reconciled.json["runs"]] == runs
    page = ticketsim("dashboard", "--json").json
    assert (page["runs"], page["states"]["wrong"], page["states"]["unproved"]) == (len(runs), 0, 0)
    stations = ticketsim("status", "--json").json
    assert (stations["dagster"]["due_hours"], stations["dagster"]["pending_hours"]) == ([], {})
    assert (stations["warehouse"]["wrong"], stations["warehouse"]["unproved"]) == (0, 0)


def test_a_run_that_keeps_hours_red_is_forgotten_and_the_other_run_stays_to_the_row(
    ticketsim, maker, kept, figures_of_kept
):
    mistake = simulated(hours=2.2, venues=2, seed=6, run_id=MISTAKE)
    topic, value = next(m for m in mistake if m[0] == "ticketsim.scan_tickets")
    uncounted = value.replace(fields((topic, value))["event_id"].encode(), b"mistake-venue-1-999999")
    maker.append([*kept, *mistake, (topic, uncounted)])
    red = ticketsim("materialize", "--due")
    assert red.code == 1
    assert "1 more than the" in red.err
    assert ticketsim("reconcile").code == 1

    assert ticketsim("forget", MISTAKE).code == 0
    # more of it comes, in hours of their own, too: nobody waits for the receipts that are missing there
    more = simulated(hours=4.2, venues=2, seed=6, run_id=MISTAKE)
    maker.append([m for m in more if m[0] != RECEIPTS])
    rows = maker.table.to_pyarrow_table().num_rows
    loaded = ticketsim("materialize", "--due", "--json")
    assert loaded.code == 0, loaded.err
    assert loaded.json["notes"] == []
    assert loaded.json["hours"] == sorted({str(hour_of(m)) for m in [*mistake, *more] if m[0] != RECEIPTS})
    assert figures(ticketsim.home) == figures_of_kept
    require_green(ticketsim, ["kept"])
    assert maker.table.to_pyarrow_table().num_rows == rows, "the lake's history stays"

    with duckdb.connect(ticketsim.home / "warehouse.duckdb") as connection:
        a_scan = "select min(event_id) from raw.events where event_type = 'scan_tickets'"
        connection.execute(f"delete from raw.events where event_id = ({a_scan})")
    assert ticketsim("reconcile").code == 1, "what another run lacks is still red"


def test_a_run_leaves_marts_and_dimensions_as_if_it_had_never_been_and_comes_back_to_the_row(
    ticketsim, maker, kept, figures_of_kept
):
    mistake = simulated(hours=1.2, venues=2, seed=6, run_id=MISTAKE)
    maker.append([*kept, *mistake])
    assert ticketsim("materialize", "--due").code == 0
    both = figures(ticketsim.home)
    assert ticketsim("forget", MISTAKE).code == 0
    assert ticketsim("materialize", "--due").code == 0
    assert figures(ticketsim.home) == figures_of_kept
    require_green(ticketsim, ["kept"])

    assert ticketsim("forget", MISTAKE, "--undo").code == 0
    assert ticketsim("materialize", "--due").code == 0
    assert figures(ticketsim.home) == both
    require_green(ticketsim, ["kept", MISTAKE])


def test_the_command_shows_first_what_it_would_do_and_a_second_time_changes_nothing(ticketsim, maker, kept):
    mistake = simulated(hours=0.2, venues=1, seed=6, run_id=MISTAKE)
    maker.append([*kept, *mistake])
    receipts = sum(topic == RECEIPTS for topic, _ in mistake)
    shown = ticketsim("forget", MISTAKE, "--dry-run", "--json")
    assert shown.code == 0, shown.err
    assert "Nothing was changed" in shown.err
    assert shown.json["hours"] == sorted({str(hour_of(message)) for message in mistake})
    assert (shown.json["events"], shown.json["receipts"]) == (len(mistake) - receipts, receipts)
    assert not (maker.root / FORGOTTEN_RUNS).exists()

    unknown = ticketsim("forget", "mistaken")
    assert unknown.code == 2
    assert "There is no run 'mistaken' in the lake" in in_one_line(unknown.err)
    assert "'mistake'" in in_one_line(unknown.err)
    assert "'kept'" in in_one_line(unknown.err)

    forgotten = ticketsim("forget", MISTAKE, "--json")
    assert (forgotten.code, forgotten.json["already"]) == (0, False)
    assert "ticketsim materialize --due" in forgotten.err
    again = ticketsim("forget", MISTAKE, "--json")
    assert again.json == {**forgotten.json, "already": True}
    assert "already; nothing was changed" in again.err
    assert ticketsim("status", "--json").json["lake"]["forgotten_runs"] == [MISTAKE]

    assert ticketsim("forget", "kept", "--undo").code == 2
    assert ticketsim("forget", MISTAKE, "--undo", "--dry-run").code == 0
    assert ticketsim("status", "--json").json["lake"]["forgotten_runs"] == [MISTAKE]
    assert ticketsim("forget", MISTAKE, "--undo", "--json").json["already"] is False
    assert ticketsim("forget", MISTAKE, "--undo", "--json").json["already"] is True
    assert ticketsim("status", "--json").json["lake"]["forgotten_runs"] == []
