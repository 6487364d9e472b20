import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from simulator.exceptions import TargetUnreachable
from ticketsim.commands.plan import plan

pytestmark = pytest.mark.slow

#: Single visitors, four a minute, who buy for a minute each: six sellers let 95 % wait at most 52 s, five 144 s.
SCENARIO = """
base = "original"
description = "An M/M/c queue"
minutes_between_buses = { distribution = "exponential", mean = 0.25 }
bus_occupancy = { distribution = "normal", mean = 1, sd = 0 }
group_size = { distribution = "normal", mean = 1, sd = 0 }
box_office_share = 1.0
sale_minutes = { distribution = "exponential", mean = 1 }
scan_minutes = { distribution = "normal", mean = 0.001, sd = 0 }
one_line = true
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "counter.toml"
    path.write_text(SCENARIO)
    return path


def run(*arguments: object):
    app = typer.Typer()
    app.command()(plan)
    return CliRunner().invoke(app, ["--workers", "1", *map(str, arguments)], terminal_width=80)


def test_a_plan_is_printed_drawn_and_given_as_json(scenario, tmp_path):
    plot = tmp_path / "plan.svg"
    result = run("--scenario", scenario, "--target-wait", "90s", "--plot", plot, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["sellers"], found["scanners"], found["target_wait_s"]) == (6, 1, 90)
    estimate = next(trial for trial in found["trials"] if (trial["stage"], trial["sellers"]) == ("sellers", 6))
    assert (estimate["verdict"], estimate["close"], found["either"]["sellers"]) == ("meets", False, [6])
    assert found["longer_with_one_less_s"]["sellers"]["low"] > 0
    assert estimate["wait_s"]["low"] <= estimate["wait_s"]["estimate"] <= estimate["wait_s"]["high"] <= 90
    assert "counter needs 6 sellers and 1 scanner so" in result.stderr
    assert "with one seller less: 95 % wait up to" in result.stderr
    assert "min longer for the same visitors" in result.stderr
    drawing = plot.read_text()
    assert drawing.startswith("<svg")
    assert "number of sellers" in drawing
    assert ">6 sellers<" in drawing, "the answer is on the plot"
    assert ">1 scanner<" in drawing
    assert ">undecided<" not in drawing, "the legend has what occurs"


def test_a_scenario_with_kinds_of_venues_has_a_plan_and_a_plot_for_each(tmp_path):
    path = tmp_path / "counters.toml"
    path.write_text(SCENARIO + "bus_rate_by_hour = [" + "0.5, 1.0, " * 12 + "]\n[[venue_kinds]]\n[[venue_kinds]]\n"
                    'minutes_between_buses = { distribution = "exponential", mean = 0.5 }\n')  # fmt: skip
    result = run("--scenario", path, "--target-wait", "90s", "--plot", tmp_path / "plan.svg", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [(kind["venue_kind"], kind["sellers"]) for kind in found["venue_kinds"]] == [(1, 6), (2, 4)]
    assert found["venue_kinds"][0]["busiest_hours_utc"] == list(range(1, 24, 2))
    assert "counters, venue kind 2, busiest hour 01, 03" in result.stderr.replace("\n", " ")
    assert "meets: <= 90 s" in result.stderr
    assert {file.name for file in tmp_path.glob("*.svg")} == {"plan-1.svg", "plan-2.svg"}


def test_what_was_tried_is_shown_even_if_nothing_is_enough(scenario, tmp_path):
    plot = tmp_path / "plan.png"
    result = run("--scenario", scenario, "--target-wait", "60s", "--max-sellers", 5, "--plot", plot)
    assert isinstance(result.exception, TargetUnreachable)
    assert "5 + any" in result.stderr
    assert "fails: > 60 s" in result.stderr
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("plot", ["plan.gif", "nowhere/plan.png"])
def test_an_impossible_plot_file_is_refused_before_anything_is_simulated(scenario, tmp_path, plot):
    result = run("--scenario", scenario, "--plot", tmp_path / plot)
    assert str(tmp_path / plot) in str(result.exception)
    assert "staff" not in result.stderr


@pytest.mark.parametrize("precision", ["much", "", "9" * 5000 + "x"])
def test_a_precision_that_is_no_percentage_is_a_usage_error(scenario, precision):
    result = run("--scenario", scenario, "--precision", precision)
    assert result.exit_code == 2
    assert "--precision" in result.stderr


@pytest.mark.parametrize("wait", ["soon", "9" * 400, "9" * 5000 + "s"])
def test_a_target_wait_that_is_no_duration_is_a_usage_error(scenario, wait):
    result = run("--scenario", scenario, "--target-wait", wait)
    assert result.exit_code == 2
    assert wait[:4] in result.stderr
