"""The workflows are what GitHub understands, take the actions of others by commit, and run the whole suite."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from stack.configuration import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def test_they_are_workflows():
    checker = Path(sys.executable).with_name("check-jsonschema")
    command = [checker, "--builtin-schema", "vendor.github-workflows", *WORKFLOWS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_to_a_commit(workflow):
    used = re.findall(r"uses: (\S+)", workflow.read_text())
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action)] == []


def test_terraform_is_of_a_version_that_the_stack_takes():
    (version,) = {
        version
        for workflow in WORKFLOWS
        for version in re.findall(r'terraform_version: "([\d.]+)"', workflow.read_text())
    }
    (least,) = re.findall(r'required_version = ">= ([\d.]+)', (ROOT / "terraform/versions.tf").read_text())
    assert [int(part) for part in version.split(".")] >= [int(part) for part in least.split(".")]


def parts() -> dict[str, list[str]]:
    """The folders of tests/ that each part of the suite consists of."""
    found = re.findall(r"^PART_(\w+) := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return {name: folders.split() for name, folders in found}


def test_the_parts_of_the_suite_are_the_whole_suite_each_file_once():
    folders = sorted(folder for part in parts().values() for folder in part)
    with_tests = {file.relative_to(ROOT / "tests").parts[0] for file in ROOT.glob("tests/**/test_*.py")}
    assert folders == sorted(with_tests), "each folder of tests/ belongs to one PART_ of the Makefile"


def test_github_runs_every_part_and_what_make_test_does_beside_them():
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())
    jobs = workflow["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert sorted(jobs["part"]["strategy"]["matrix"]["part"]) == sorted(parts())
    assert any(command.endswith('make test-part PART="$PART"') for command in commands)
    makefile = (ROOT / "Makefile").read_text()
    [everything] = re.findall(r"^test: (.+?) ##", makefile, re.MULTILINE)
    [of_each_part] = re.findall(r"^test-part: (.+?) ##", makefile, re.MULTILINE)
    of_parts = " ".join([of_each_part, *re.findall(r"^NEEDS_\w+ := (.+)$", makefile, re.MULTILINE)]).split()
    beside = [target for target in everything.split() if target not in of_parts]
    assert beside
    assert [target for target in beside if not any(command.endswith(f"make {target}") for command in commands)] == []


def targets_that_need(target: str) -> set[str]:
    """The targets of the Makefile that make another one first; those of parts as ``test-part``."""
    makefile = (ROOT / "Makefile").read_text()
    of_parts = set(" ".join(re.findall(r"^NEEDS_\w+ := (.+)$", makefile, re.MULTILINE)).split())
    rules = dict(re.findall(r"^([\w-]+): (.*?)(?: ##.*)?$", makefile, re.MULTILINE))
    return {name for name, before in rules.items() if target in {*before.split()}} | (
        {"test-part"} if target in of_parts else set()
    )


def test_a_job_has_the_python_that_the_emulator_of_bigquery_needs():
    [wanted] = set(re.findall(r"Python (3\.\d+)", (ROOT / "tests/cloud/bigquery/python.sh").read_text()))
    need_it = targets_that_need("bigquery")
    assert {"test", "test-cloud", "test-part", "coverage"} <= need_it
    jobs = 0
    for workflow in WORKFLOWS:
        for name, job in yaml.safe_load(workflow.read_text())["jobs"].items():
            asked = {word for step in job["steps"] for word in re.findall(r"make (.+)", step.get("run", ""))}
            if need_it & {*" ".join(asked).split()}:
                jobs += 1
                [pythons] = [
                    step["with"]["python-version"].split()
                    for step in job["steps"]
                    if step.get("uses", "").startswith("actions/setup-python@")
                ]
                assert wanted in pythons[:-1], f"{workflow.name}: {name} has no Python {wanted} beside its own"
    assert jobs >= 2


def test_the_newest_dagster_and_dbt_are_asked_for_within_their_major_version_and_all_else_as_it_is():
    printed = subprocess.run([sys.executable, ROOT / "tests/newest.py"], capture_output=True, text=True, check=True)
    asked = printed.stdout.splitlines()
    pins = re.findall(r'^ {4}"((?:dagster|dbt)[^"]*==[^"]*)",$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert len(pins) > 5
    assert not {*pins} & {*asked}
    for pin in pins:
        name, _, version = pin.partition("==")
        assert f"{name}>={version},<{int(version.split('.')[0]) + 1}" in asked
    assert "pyspark==4.1.2" in asked
