"""`make test-gcp` without a project: it is left out, and says why."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = Path(__file__).with_name("real_project.py")


@pytest.mark.slow
def test_without_a_project_it_is_left_out_and_says_which_variables_are_missing():
    own = {name: value for name, value in os.environ.items() if not name.startswith(("GCP_", "GOOGLE_"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", SUITE]
    done = subprocess.run(command, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "3 skipped" in done.stdout
    assert "no real project was tested: GCP_PROJECT, GCP_LOCATION, GCP_BUCKET is not set" in done.stdout
