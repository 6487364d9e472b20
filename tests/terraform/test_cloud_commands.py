"""`make cloud-up` and `cloud-down` ask before they change anything. Recorders stand for Terraform and gcloud here."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from stack.configuration import ROOT

RECORDER = """#!/bin/sh
echo "$@" >>"$CALLS"
case $1 in
show) cat "$(ls "$PLANS"/*.json | sed -n "$(grep -c ^show "$CALLS")p")" ;;
output) echo "$KEEP_DATA" ;;
plan) for word; do case $word in -out=*) : >"${word#-out=}" ;; esac; done ;;
apply) for word; do plan=$word; done; [ -f "$plan" ] || { echo "no plan at $plan" >&2; exit 1; } ;;
esac
"""

GCLOUD = '#!/bin/sh\necho "gcloud $@" >>"$CALLS"\nexit "${GCLOUD_EXIT:-0}"\n'

DISK = "module.kafka_vm.module.vm.google_compute_disk.data"
MACHINE = "module.kafka_vm.module.vm.google_compute_instance.this"
JOB = "module.dataproc.google_dataproc_job.stream[0]"


def change(address: str, *actions: str) -> dict:
    """A change as `terraform show -json` has it."""
    module, _, name = address.rpartition(".google_")
    return {
        "address": address,
        "module_address": module,
        "type": f"google_{name.partition('.')[0]}",
        "change": {"actions": list(actions)},
    }


def plan(*changes: dict, keep_data: bool = True, job: str = "RUNNING") -> dict:
    """A plan over a stack with a disk and a streaming job."""
    disk = {"project": "an-empty-project", "zone": "europe-west1-b", "name": "ticketsim-kafka-data"}
    there = [
        {"address": DISK, "type": "google_compute_disk", "values": disk},
        {"address": JOB, "type": "google_dataproc_job", "values": {"status": [{"state": job}]}},
    ]
    modules = [{"child_modules": [{"resources": there[:1]}]}, {"resources": there[1:]}]
    return {
        "variables": {"keep_data": {"value": keep_data}},
        "prior_state": {"values": {"root_module": {"child_modules": modules}}},
        "resource_changes": list(changes),
    }


class Stack:
    """A copy of the repository's cloud part, with a Terraform that writes down what it is asked to do."""

    def __init__(self, folder: Path) -> None:
        (folder / "bin").mkdir()
        (folder / "bin/terraform").write_text(RECORDER)
        (folder / "bin/terraform").chmod(0o755)
        (folder / "bin/gcloud").write_text(GCLOUD)
        (folder / "bin/gcloud").chmod(0o755)
        (folder / "terraform").mkdir()
        for script in ("cloud.sh", "plan_review.py"):
            shutil.copy(ROOT / "terraform" / script, folder / "terraform")
        (folder / "terraform/terraform.tfvars").write_text('project = "an-empty-project"\n')
        (folder / "terraform/backend.hcl").write_text('bucket = "an-empty-project-terraform"\n')
        self.folder = folder
        self.keep_data = "false"
        self.plans = [plan()]

    def make(self, target: str, typed: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a target of the project's Makefile."""
        (self.folder / "plans").mkdir()
        for number, planned in enumerate(self.plans):
            (self.folder / f"plans/{number}.json").write_text(json.dumps(planned))
        environment = os.environ | {
            **variables,
            "PLANS": str(self.folder / "plans"),
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
        """What Terraform and gcloud were asked to do."""
        calls = self.folder / "calls"
        return [line.split()[0] for line in calls.read_text().splitlines()] if calls.exists() else []


@pytest.fixture
def stack(tmp_path):
    return Stack(tmp_path)


def test_a_plan_changes_nothing_and_asks_nothing(stack):
    assert stack.make("cloud-plan").returncode == 0
    assert stack.verbs == ["init", "plan", "show"]


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
    assert stack.verbs == ["init", "plan", "show", "apply"]


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


DATA = {
    "a smaller disk": change(DISK, "delete", "create"),
    "a disk that goes": change(DISK, "delete"),
    "a bucket": change("module.lake.google_storage_bucket.lake", "delete", "create"),
    "a dataset": change('module.warehouse.google_bigquery_dataset.layer["raw"]', "delete"),
    "the cluster": change("module.dataproc.google_dataproc_cluster.this", "delete"),
    "a new cluster": change("module.dataproc.google_dataproc_cluster.this", "delete", "create"),
}


@pytest.mark.parametrize("target", ["cloud-plan", "cloud-up"])
@pytest.mark.parametrize("deleted", DATA.values(), ids=DATA)
def test_a_plan_that_deletes_what_is_kept_is_refused_with_its_address(stack, deleted, target):
    stack.plans = [plan(change(MACHINE, "update"), deleted)]
    done = stack.make(target, "an-empty-project\n")
    assert done.returncode != 0
    assert f"{deleted['address']}: the " in done.stderr
    assert "keep_data is true" in done.stderr
    assert stack.verbs == ["init", "plan", "show"]


def test_data_may_go_once_it_is_no_longer_kept(stack):
    stack.plans = [plan(DATA["a bucket"], keep_data=False)]
    assert stack.make("cloud-up", "an-empty-project\n").returncode == 0
    assert stack.verbs == ["init", "plan", "show", "apply"]


@pytest.mark.parametrize(("name", "is_allowed"), [("a new cluster", True), ("the cluster", False), ("a bucket", False)])
def test_a_new_cluster_has_to_be_asked_for_and_brings_no_other_deletion(stack, name, is_allowed):
    stack.plans = [plan(DATA[name])]
    assert (stack.make("cloud-up", "an-empty-project\n", CLUSTER="replace").returncode == 0) == is_allowed
    assert ("apply" in stack.verbs) == is_allowed


@pytest.mark.parametrize("touched", [DISK, MACHINE])
def test_a_snapshot_of_a_disk_is_taken_before_it_or_its_machine_is_changed(stack, touched):
    stack.plans = [plan(change(touched, "update"))]
    done = stack.make("cloud-up", "an-empty-project\n")
    assert done.returncode == 0, done.stderr
    assert stack.verbs == ["init", "plan", "show", "gcloud", "apply"]
    asked = (stack.folder / "calls").read_text()
    assert "gcloud compute snapshots create ticketsim-kafka-data-before-20" in asked
    assert "--project=an-empty-project --source-disk=ticketsim-kafka-data --source-disk-zone=europe-west1-b" in asked


def test_nothing_is_changed_without_the_snapshot(stack):
    stack.plans = [plan(change(MACHINE, "update"))]
    done = stack.make("cloud-up", "an-empty-project\n", GCLOUD_EXIT="1")
    assert done.returncode != 0
    assert "no snapshot of ticketsim-kafka-data: nothing was changed" in done.stderr
    assert "apply" not in stack.verbs


@pytest.mark.parametrize("state", ["ERROR", "CANCELLED", "DONE"])
def test_a_stream_that_has_ended_for_good_is_started_again(stack, state):
    stack.plans = [plan(job=state), plan(change(JOB, "delete", "create"), job=state)]
    done = stack.make("cloud-up", "an-empty-project\n")
    assert done.returncode == 0, done.stderr
    assert stack.verbs == ["init", "plan", "show", "plan", "show", "apply"]
    assert f"-replace={JOB}" in (stack.folder / "calls").read_text()


@pytest.mark.parametrize("state", ["RUNNING", "PENDING", "SETUP_DONE", "ATTEMPT_FAILURE"])
def test_a_stream_that_runs_or_will_be_started_by_dataproc_is_left_alone(stack, state):
    stack.plans = [plan(job=state)]
    assert stack.make("cloud-up", "an-empty-project\n").returncode == 0
    assert stack.verbs == ["init", "plan", "show", "apply"]


@pytest.mark.parametrize("missing", ["terraform.tfvars", "backend.hcl"])
def test_a_file_that_is_missing_is_named_with_its_example(stack, missing):
    (stack.folder / "terraform" / missing).unlink()
    done = stack.make("cloud-up", "an-empty-project\n")
    assert done.returncode != 0
    assert f"Copy {missing}.example" in done.stderr
    assert stack.verbs == []
    assert (ROOT / "terraform" / f"{missing}.example").is_file()
