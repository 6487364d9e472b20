import subprocess
import sys
from pathlib import Path

import pytest

from ticketsim import cli
from ticketsim.exceptions import TicketsimError

pytestmark = pytest.mark.slow


def ticketsim(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "ticketsim", *arguments], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize(
    "arguments", [("stream", "--nope"), ("stream", "--trigger", "soon"), ("stream", "--dry-run"), ("fly",)]
)
def test_wrong_usage_is_said_without_a_traceback_and_exits_2(arguments):
    answer = ticketsim(*arguments)
    assert answer.returncode == 2
    assert arguments[-1] in answer.stderr
    assert "Traceback" not in answer.stderr


def test_an_expected_error_is_one_message_on_stderr_and_debug_shows_where_it_came_from():
    wrong = ("simulate", "--scenario", "nowhere", "--hours", "1")
    answer = ticketsim(*wrong)
    assert answer.returncode == 1
    assert answer.stderr.startswith("error: ")
    assert "nowhere" in answer.stderr
    assert answer.stdout == ""
    assert "Traceback" not in answer.stderr
    for arguments in (("--debug", *wrong), (*wrong, "--debug")):
        assert "Traceback" in ticketsim(*arguments).stderr


def test_a_result_that_standard_output_cannot_take_is_one_message():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ticketsim", "scenarios", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "error: Cannot write to standard output: No space left on device.\n"


def test_a_defect_is_not_dressed_up_as_a_message(monkeypatch):
    def defective(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "app", defective)
    with pytest.raises(ZeroDivisionError):
        cli.main()


def test_every_error_of_our_packages_is_an_expected_one():
    assert issubclass(TicketsimError, cli.EXPECTED_ERRORS)


def test_help_names_every_command_of_the_design():
    said = ticketsim("--help").stdout
    assert said.index("Try:") < said.index("  demo ") < said.index("Repair:") < said.index("  quarantine ")
    for command in ["doctor", "broker", "simulate", "stream", "materialize", "reconcile", "dashboard", "up", "demo"]:
        assert command in said
