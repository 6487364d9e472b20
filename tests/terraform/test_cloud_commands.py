"""`make cloud-up` and `cloud-down` ask before they change anything. A recorder stands for Terraform here."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from stack.configuration import ROOT

RECORDER = """#!/bin/sh
echo "$@" >>"$CALLS"
case $1 in
output) echo "$KEEP_DATA" ;;
plan) for word; do case $word in -out=*) : >"${word#-out=}" ;; esac; done ;;
apply) for word; do plan=$word; done; [ -f "$plan" ] || { echo "no plan at $plan" >&2; exit 1; } ;;
esac
"""


class Stack:
    """A copy of the repository's cloud part, with a Terraform that writes down what it is asked to do."""

    def __init__(self, folder: Path) -> None:
        (folder / "bin").mkdir()
        (folder / "bin/terraform").write_text(RECORDER)
        (folder / "bin/terraform").chmod(0o755)
        (folder / "terraform").mkdir()
        shutil.copy(ROOT / "terraform/cloud.sh", folder / "terraform")
        (folder / "terraform/terraform.tfvars").write_text('project = "an-empty-project"\n')
        (folder / "terraform/backend.hcl").write_text('bucket = "an-empty-project-terraform"\n')
        self.folder = folder
        self.keep_data = "false"

    def make(self, target: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Run a target of the project's Makefile."""
        environment = os.environ | {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "CALLS": str(self.folder / "calls"),
            "KEEP_DATA": self.keep_data,
        }
        command = ["make", "--file", str(ROOT / "Makefile"), target]
        return subprocess.run(
            command, cwd=self.folder, env=environment, input=typed, capture_output=True, text=True, check=False
        )

    @property
    def verbs(self) -> list[str]:
        """What Terraform was asked to do."""
        calls = self.folder / "calls"
        return [line.split()[0] for line in calls.read_text().splitlines()] if calls.exists() else []


@pytest.fixture
def stack(tmp_path):
    return Stack(tmp_path)


def test_a_plan_changes_nothing_and_asks_nothing(stack):
    assert stack.make("cloud-plan").returncode == 0
    assert stack.verbs == ["init", "plan"]


@pytest.mark.parametrize("target", ["cloud-up", "cloud-down"])
@pytest.mark.parametrize("typed", ["", "\n", "y\n", "yes\n", "an-empty\n", "another-project\n"])
def test_what_is_not_the_projects_id_changes_nothing(stack, target, typed):
    done = stack.make(target, typed)
    assert done.returncode != 0
    assert "nothing was changed" in done.stderr
    assert "apply" not in stack.verbs


def test_the_stack_goes_up_as_planned_once_the_projects_id_is_typed(stack):
    done = stack.make("cloud-up", "an-empty-project\n")
    assert done.returncode == 0, done.stderr
    assert stack.verbs == ["init", "plan", "apply"]


def test_the_stack_goes_down_as_planned_once_the_projects_id_is_typed(stack):
    done = stack.make("cloud-down", "an-empty-project\n")
    assert done.returncode == 0, done.stderr
    assert stack.verbs == ["init", "output", "plan", "apply"]
    assert "plan -input=false -destroy" in (stack.folder / "calls").read_text()


def test_a_stack_that_keeps_its_data_does_not_go_down(stack):
    stack.keep_data = "true"
    done = stack.make("cloud-down", "an-empty-project\n")
    assert done.returncode != 0
    assert "keep_data = false" in done.stderr
    assert stack.verbs == ["init", "output"]


@pytest.mark.parametrize("missing", ["terraform.tfvars", "backend.hcl"])
def test_a_file_that_is_missing_is_named_with_its_example(stack, missing):
    (stack.folder / "terraform" / missing).unlink()
    done = stack.make("cloud-up", "an-empty-project\n")
    assert done.returncode != 0
    assert f"Copy {missing}.example" in done.stderr
    assert stack.verbs == []
    assert (ROOT / "terraform" / f"{missing}.example").is_file()
