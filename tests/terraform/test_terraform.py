"""Terraform itself over ``terraform/``: format, validation, and its own tests with a mocked provider."""

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
