"""The Dockerfiles and scripts: lint, pins, users, and that what they copy is there."""

import fnmatch
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest
from dockerfile_parse import DockerfileParser
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]

BIN = Path(sys.executable).parent


def parsed(image: str) -> DockerfileParser:
    return DockerfileParser(path=str(ROOT / "deploy" / image / "Dockerfile"))


def instructions(image: str, name: str) -> list[str]:
    return [each["value"] for each in parsed(image).structure if each["instruction"] == name]


def said_by(tool: str, path: Path) -> subprocess.CompletedProcess:
    return subprocess.run([BIN / tool, path], capture_output=True, text=True, check=False)


def test_hadolint_has_nothing_to_say(image: str):
    said = said_by("hadolint", ROOT / "deploy" / image / "Dockerfile")
    assert said.returncode == 0, said.stdout


def test_hadolint_sees_a_planted_fault(tmp_path: Path):
    planted = tmp_path / "Dockerfile"
    planted.write_text("FROM python:latest\nRUN cd /tmp && sudo pip install dagster\n")
    said = said_by("hadolint", planted)
    assert said.returncode == 1
    assert {"DL3007", "DL3004"} <= set(re.findall(r"DL\d+", said.stdout))


def test_every_base_image_is_pinned_to_one_version(image: str):
    for base in (value.split()[0] for value in instructions(image, "FROM")):
        assert re.fullmatch(r"[\w/-]+:\d+\.\d+\.\d+(_\d+)?-[\w-]+", base), base


def test_an_image_is_made_in_stages_and_runs_as_a_user_of_its_own(image: str):
    assert len(instructions(image, "FROM")) > 1
    [user] = instructions(image, "USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user), "by number, so that everybody sees that it is not root"


def test_no_secret_is_built_into_an_image(image: str):
    for value in instructions(image, "ENV") + instructions(image, "ARG"):
        assert not re.search(r"PASSWORD|SECRET|TOKEN|CREDENTIALS", value)


def test_what_an_image_copies_is_there_and_reaches_the_builder(image: str):
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    kept = {line[1:] for line in lines if line.startswith("!")}
    dropped = [line for line in lines if not line.startswith("!") and line != "*"]
    for value in instructions(image, "COPY"):
        for source in [] if value.startswith("--from=") else value.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert source.split("/")[0] in kept, f"{source} is left out by .dockerignore"
            assert not any(fnmatch.fnmatch(source, pattern) for pattern in dropped), source


def test_the_builder_is_sent_neither_data_nor_git_nor_environments():
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    kept = {line[1:] for line in lines if line.startswith("!")}
    assert not kept & {"data", "build", ".git", ".venv", ".venv-airflow", "terraform", "."}


def test_images_have_a_python_that_the_pins_are_made_for():
    assert "python:3.11." in parsed("airflow").content, "`make lock` resolves Airflow's pins for 3.11"
    supported = SpecifierSet(importlib.metadata.metadata("ticketsim")["Requires-Python"])
    for image in ("simulator", "dagster", "kafka"):
        [version] = set(re.findall(r"^FROM python:([\d.]+)-", parsed(image).content, re.MULTILINE))
        assert version in supported


@pytest.mark.parametrize("page", ["docs/cloud.md", "docs/deploy.md"])
def test_a_page_builds_for_the_platform_of_the_machines_whatever_the_builder_is(page: str):
    commands = re.findall(r"^ *(docker build .*)", (ROOT / page).read_text(), re.MULTILINE)
    assert commands
    assert [command for command in commands if " --platform linux/amd64 " not in command] == []


@pytest.mark.parametrize("path", sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("deploy/**/*.sh")))
def test_shellcheck_has_nothing_to_say(path: str, tmp_path: Path):
    text = (ROOT / path).read_text()
    if path.endswith("/startup.sh"):  # Terraform puts vm.sh in front of it
        text = (ROOT / "deploy" / "vm.sh").read_text() + "\n" + text
    checked = tmp_path / Path(path).name
    checked.write_text(text)
    said = said_by("shellcheck", checked)
    assert said.returncode == 0, said.stdout


def test_shellcheck_sees_a_planted_fault(tmp_path: Path):
    planted = tmp_path / "planted.sh"
    planted.write_text("#!/bin/sh\nrm -rf $1/*\n")
    said = said_by("shellcheck", planted)
    assert said.returncode == 1
    assert "SC2086" in said.stdout


@pytest.mark.parametrize("path", ["deploy/with-secrets.sh", "deploy/kafka/entrypoint.sh", "deploy/dagster/backup.sh"])
def test_what_an_image_executes_is_executable_in_git(path: str):
    listed = subprocess.run(["git", "ls-files", "--stage", path], cwd=ROOT, capture_output=True, text=True, check=False)
    assert listed.stdout.startswith("100755")
