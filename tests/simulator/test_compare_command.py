import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ticketsim.cli import app

DOCS = Path(__file__).parents[2] / "docs" / "planning.md"

EXAMPLE = "ticketsim compare original --set sellers=8 --days 10"


def run(*arguments: object):
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, ["compare", *map(str, arguments)])


@pytest.mark.slow
def test_the_example_of_the_docs_prints_what_they_say():
    command = [sys.executable, "-m", *EXAMPLE.split()]
    said = subprocess.run(
        command, capture_output=True, text=True, env={"COLUMNS": "80"}, timeout=120, check=True
    ).stderr
    printed = [line.rstrip() for line in said.splitlines() if line.strip()]
    block = DOCS.read_text("utf-8").split(f"    {EXAMPLE}\n")[1].split("and prints\n")[1].split("\nSo with")[0]
    assert [line.removeprefix("    ").rstrip() for line in block.splitlines() if line.strip()] == printed
    assert max(map(len, printed)) <= 80


def test_a_comparison_is_printed_drawn_and_given_as_json(tmp_path):
    plot = tmp_path / "change.svg"
    result = run("original", "--set", "sellers=9", "--days", 9, "--hours", 4, "--plot", plot, "--json", "--workers", 1)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["scenario"], found["changes"], found["days"]) == ("original", {"sellers": 9}, 9)
    sellers = found["stages"]["sellers"]
    wait = sellers["wait_s"]["95"]
    assert wait["differs"]
    assert wait["difference"]["estimate"] == pytest.approx(wait["after"]["estimate"] - wait["before"]["estimate"])
    assert wait["difference"]["high"] < 0
    assert sellers["utilisation"]["before"] == pytest.approx(1.5 * sellers["utilisation"]["after"])
    assert re.search(r"95 % up to +\d+\.\d\d +\d+\.\d\d +-\d+\.\d\d \[-", result.stderr)
    drawing = plot.read_text()
    assert drawing.startswith("<svg")
    assert "percent of visitors" in drawing


def test_kinds_of_venues_are_compared_one_by_one(tmp_path):
    result = run("festival", "--set", "scanners=3", "--days", 2, "--hours", 1, "--plot", tmp_path / "f.svg", "--json")
    kinds = json.loads(result.stdout)["venue_kinds"]
    assert [kind["venue_kind"] for kind in kinds] == [*range(1, len(kinds) + 1)]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"f-{kind['venue_kind']}.svg" for kind in kinds]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["original"], 2, "Missing option '--set'"),
        (["--set", "sellers=8"], 2, "Missing argument 'SCENARIO'"),
        (["original", "--set", "sellers=8", "--target-wait", "soon"], 2, "Invalid duration 'soon'"),
    ],
)
def test_wrong_usage_is_said_with_the_option(arguments, code, said):
    result = run(*arguments)
    assert result.exit_code == code
    assert said in result.stderr
