"""Every command that a page names is there, with the options that it names."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml

from ticketsim import cli

ROOT = Path(__file__).parents[2]

PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])

#: The command line is called in two ways, in an image in the second.
TICKETSIM = "ticketsim|python -m ticketsim"

#: What a reader may copy: a line of a block, or a span, which may be broken over two lines.
_CODE = re.compile(r"^```\w*[^\n]*\n(?P<block>.*?)^```$|`(?P<span>[^`]+)`", re.DOTALL | re.MULTILINE)


def commands(text: str, program: str) -> Iterator[list[str]]:
    """The arguments of each call of ``program``, a pattern; what follows a pipe, comment or ellipsis is left out."""
    for code in _CODE.finditer(text):
        for line in (code["block"] or " ".join((code["span"] or "").split())).splitlines():
            for part in re.split(r"\s#|\|\|?|&&|;|\$\(|\s\.\.\.", line):
                called = re.match(rf"\s*(?:\w+=\S+ +)*(?:\.venv/bin/)?(?:{program})\s+(.+)", part)
                if called:
                    yield shlex.split(called[1].removesuffix("..."))


def errors_of_ticketsim(arguments: list[str]) -> Iterator[str]:
    """What is unknown to the command line among ``arguments``."""
    command = typer.main.get_command(cli.app)
    known = {"--help", "--debug"}
    for argument in arguments:
        if argument.startswith("-"):
            option = argument.partition("=")[0]
            own = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
            if option not in own | known:
                yield f"{command.name} has no option {option}"
        elif isinstance(command, typer.core.TyperGroup):
            if argument not in command.commands:
                yield f"{command.name} has no command {argument}"
                return
            command = command.commands[argument]


def errors_of_make(arguments: list[str]) -> Iterator[str]:
    """Targets and variables that the Makefile does not know."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for argument in arguments:
        name, is_variable, _ = argument.partition("=")
        if is_variable:
            if not re.search(rf"\$\({name}\)|\b{name}=", makefile):
                yield f"the Makefile reads no {name}"
        elif not re.search(rf"^{re.escape(name)}:", makefile, re.MULTILINE):
            yield f"the Makefile has no target {name}"


#: How each is called in a shell, as a pattern, and who knows its arguments.
PROGRAMS = {TICKETSIM: errors_of_ticketsim, "make": errors_of_make}


def errors(text: str) -> list[str]:
    return [
        error
        for program, errors_of in PROGRAMS.items()
        for arguments in commands(text, program)
        for error in errors_of(arguments)
    ]


@pytest.mark.parametrize("path", PAGES, ids=[path.relative_to(ROOT).as_posix() for path in PAGES])
def test_every_command_of_a_page_exists_with_the_options_that_it_names(path: Path):
    assert errors(path.read_text(encoding="utf-8")) == []


def test_the_runbook_names_commands_of_every_part():
    text = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
    named = {arguments[0] for arguments in commands(text, TICKETSIM)}
    assert named >= {"broker", "doctor", "materialize", "quarantine", "reconcile", "simulate", "status", "stream"}
    assert {arguments[0] for arguments in commands(text, "make")} >= {"cloud-down", "cloud-plan", "cloud-up", "soak"}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("`ticketsim strem`", "ticketsim has no command strem"),
        ("`ticketsim stream\n--recovr --dry-run`", "stream has no option --recovr"),
        ("```\nA=1 .venv/bin/ticketsim broker stopp   # now\n```", "broker has no command stopp"),
        ("`python -m ticketsim quarantine reprocess --all`", "reprocess has no option --all"),
        ("`make cloud-upp`", "the Makefile has no target cloud-upp"),
        ("`make soak MINUTE=2`", "the Makefile reads no MINUTE"),
    ],
)
def test_a_planted_slip_is_found(text: str, error: str):
    assert errors(text) == [error]


def test_every_container_and_output_that_the_runbook_names_is_there():
    text = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
    asked = re.findall(r"docker compose --file /opt/ticketsim/(\w+)\.yaml (\w+) (\w+)?", text)
    assert len(asked) > 3
    for machine, _, service in asked:
        services = yaml.safe_load((ROOT / f"deploy/{machine}/compose.yaml").read_text(encoding="utf-8"))["services"]
        assert not service or service in services
    outputs = re.findall(r'^output "(\w+)"', (ROOT / "terraform/outputs.tf").read_text(encoding="utf-8"), re.MULTILINE)
    named = re.findall(r"terraform output (\w+)", text)
    assert named
    assert set(named) <= set(outputs)
    for path in re.findall(r"`((?:deploy|docs|terraform|streaming|ticketsim_assets)/[\w./-]+\.\w+)`", text):
        assert (ROOT / path).exists(), path
