import re

import pytest
import typer
from typer.testing import CliRunner

from ticketsim.cli import app


def every_command(command, path=()):
    """The arguments of the group and of each command below it."""
    yield path
    for name, each in getattr(command, "commands", {}).items():
        yield from every_command(each, (*path, name))


COMMANDS = list(every_command(typer.main.get_command(app)))


def help_of(*arguments):
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, [*arguments, "--help"]).stdout


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_fits_80_columns_breaks_no_name_and_leaves_most_of_them_to_the_words(path):
    lines = help_of(*path).splitlines()
    assert max(map(len, lines)) <= 80
    described = [line for line in lines if re.match(r"  --\S+ .*  \S", line)]
    assert all(len(re.split(r"\s{2,}", line.strip())[0]) <= 32 for line in described)


def test_every_command_is_in_one_group_and_described_by_a_whole_sentence():
    said = help_of()
    groups = said[said.index("Try:") :]
    listed = re.findall(r"^  ([a-z-]+) {2,}\S", groups, re.MULTILINE)
    assert sorted(listed) == sorted(path[0] for path in COMMANDS if len(path) == 1)
    assert "..." not in groups
    assert re.findall(r"^(\S.*):$", groups, re.MULTILINE) == ["Try", "Simulate and plan", "Run", "Look", "Repair"]


def test_a_deprecated_alias_is_not_listed():
    assert "Deprecated" not in help_of("quarantine")
