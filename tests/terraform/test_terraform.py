"""Terraform itself over ``terraform/``: format, validation, and its own tests with a mocked provider."""

import re
import subprocess
import sys

import pytest
from stack.configuration import ROOT


@pytest.fixture
def initialised(copy, terraform):
    done = terraform(copy, "init", "-backend=false", "-input=false")
    assert done.returncode == 0, done.stderr
    return copy


def test_the_files_are_formatted(terraform):
    done = terraform(ROOT / "terraform", "fmt", "-check", "-recursive", "-diff")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_stack_is_planned_and_applied_with_a_mocked_provider_and_bad_values_are_refused(initialised, terraform):
    done = terraform(initialised, "test")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed, 0 failed" in done.stdout


PLANNED = """run "one_of_each" {
  command = plan
}
"""


@pytest.mark.slow
def test_the_page_names_as_many_resources_as_are_planned(initialised, terraform):
    mocks, _, _ = (initialised / "tests/stack.tftest.hcl").read_text().partition('run "')
    (initialised / "tests/count.tftest.hcl").write_text(mocks + PLANNED)
    done = terraform(initialised, "test", "-verbose", "-filter=tests/count.tftest.hcl")
    [planned] = re.findall(r"^ *Plan: (\d+) to add", done.stdout, re.MULTILINE)
    page = (ROOT / "docs/cloud.md").read_text()
    told = r"^(\d+) resources, (\d+) more for each of `operators` and (\d+) for each of `viewers`"
    [numbers] = re.findall(told, page, re.MULTILINE)
    assert sum(map(int, numbers)) == int(planned)  # the tests' stack has one of each


@pytest.mark.parametrize(
    ("planted", "error"),
    [
        ('resource "google_compute_network" "planted" {\n  name  = "x"\n  color = "red"\n}\n', "Unsupported argument"),
        ('resource "google_compute_subnetwork" "planted" {\n  name = "x"\n}\n', "Missing required argument"),
        ('output "planted" {\n  value = module.lake.buckets\n}\n', "Unsupported attribute"),
    ],
    ids=["typo", "missing argument", "unknown output"],
)
@pytest.mark.slow
def test_what_is_wrong_is_not_valid(initialised, terraform, planted, error):
    assert terraform(initialised, "validate").returncode == 0
    (initialised / "planted.tf").write_text(planted)
    done = terraform(initialised, "validate")
    assert done.returncode != 0
    assert error in done.stderr


#: In a module, as ours are; with the fields that the review reads, of a resource that Terraform has of its own.
DATA = """variable "size" {}
resource "terraform_data" "data" {
  input            = [{ state = "ERROR" }]
  triggers_replace = var.size
}
"""

CALL = """variable "keep_data" {
  default = true
}
variable "size" {}
module "vm" {
  source = "./vm"
  size   = var.size
}
"""


@pytest.mark.slow
def test_terraforms_plans_have_the_form_in_which_they_are_reviewed(tmp_path, terraform):
    (tmp_path / "vm").mkdir()
    (tmp_path / "vm/main.tf").write_text(DATA)
    (tmp_path / "main.tf").write_text(CALL)
    for step in (["init"], ["apply", "-auto-approve", "-var=size=50"], ["plan", "-out=plan", "-var=size=20"]):
        done = terraform(tmp_path, *step)
        assert done.returncode == 0, done.stderr
    shown = terraform(tmp_path, "show", "-json", "plan").stdout

    def review(what: str, text: str) -> str:
        command = [sys.executable, ROOT / "terraform/plan_review.py", what]
        return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout

    disk = shown.replace('"type":"terraform_data"', '"type":"google_compute_disk"')
    assert review("deletions", disk) == "module.vm.terraform_data.data: the disk would be recreated empty.\n"
    job = shown.replace('"type":"terraform_data"', '"type":"google_dataproc_job"').replace('"input":', '"status":')
    assert review("ended-jobs", job) == ""  # it is recreated anyway
    assert review("ended-jobs", job.replace('"delete"', '"update"')) == "module.vm.terraform_data.data\n"
