"""The workflows are what GitHub understands, and take the actions of others by commit."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
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
