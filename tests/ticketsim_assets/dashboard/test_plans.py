"""What ``ticketsim plan --json`` printed, as marks on the page's sliders."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ticketsim.commands.plan import plan
from ticketsim_assets.dashboard.plans import PlanMark, plans_of_run, read_plans

SMALL = {"scenario": "gate", "either": {"sellers": [11, 12], "scanners": [3]}}


@pytest.mark.slow
def test_what_the_command_prints_is_read_as_it_is(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(plan)
    asked = ["--scenario", "stable", "--target-wait", "10m", "--precision", "50%", "--workers", "1", "--json"]
    printed = CliRunner().invoke(app, asked).stdout
    (tmp_path / "stable.json").write_text(printed)
    [mark] = read_plans(tmp_path)
    found = json.loads(printed)
    assert (mark.scenario, list(mark.sellers), list(mark.scanners)) == ("stable", *found["either"].values())
    assert found["sellers"] in mark.sellers


def test_each_kind_of_venue_has_its_mark(tmp_path: Path) -> None:
    kinds = [SMALL | {"venue_kind": kind} for kind in (1, 2)]
    (tmp_path / "festival.json").write_text(json.dumps({"scenario": "festival", "venue_kinds": kinds}))
    assert read_plans(tmp_path) == [PlanMark(f"plan, kind {kind}", "festival", (11, 12), (3,)) for kind in (1, 2)]


def test_a_file_that_is_no_plan_is_named_and_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "gate.json").write_text(json.dumps(SMALL))
    for name, text in (("empty", ""), ("list", "[]"), ("other", '{"scenario": "gate"}'), ("word", '{"scenario": 3}')):
        (tmp_path / f"{name}.json").write_text(text)
    assert read_plans(tmp_path) == [PlanMark("plan", "gate", (11, 12), (3,))]
    assert sorted(Path(record.args[0]).name for record in caplog.records if record.args) == [
        *("empty.json", "list.json", "other.json", "word.json"),
    ]


def test_no_folder_is_no_plan(tmp_path: Path) -> None:
    assert read_plans(tmp_path / "plans") == []


def test_a_plan_is_shown_for_runs_of_its_scenario(tmp_path: Path) -> None:
    mark = PlanMark("plan", "gate", (11,), (3,))
    assert plans_of_run([mark], "gate-4c175d0bcd") == [mark]
    assert plans_of_run([mark], "gates-4c175d0bcd") == plans_of_run([mark], "other") == []
