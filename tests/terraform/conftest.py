"""The real Terraform over a copy of ``terraform/``, with a provider that knows the real one's schema."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from stack import schema_provider
from stack.configuration import ROOT, Configuration
from stack.provider_schema import schema

Terraform = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def stack() -> Configuration:
    """``terraform/`` as it is."""
    return Configuration.read(ROOT / "terraform")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of ``terraform/`` and what it reads, to be broken; the folder ``terraform`` in it."""
    shutil.copytree(
        ROOT / "terraform", tmp_path / "terraform", ignore=shutil.ignore_patterns(".terraform*", "*.tfvars*")
    )
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    shutil.copy(ROOT / "constraints.txt", tmp_path)
    return tmp_path / "terraform"


@pytest.fixture(scope="session")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """A function that runs ``terraform`` in a folder, offline: its mirror has our provider as the pinned google."""
    if not shutil.which("terraform"):
        pytest.skip("terraform is not installed: fmt, validate and its own tests do not run; the checks by Python do")
    mirror = tmp_path_factory.mktemp("mirror")
    version = schema()["provider"]
    system = subprocess.run(["terraform", "version"], check=True, capture_output=True, text=True).stdout.split()[3]
    provider = (
        mirror / "registry.terraform.io/hashicorp/google" / version / system / f"terraform-provider-google_v{version}"
    )
    provider.parent.mkdir(parents=True)
    program = Path(schema_provider.__file__)
    provider.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{program}"\n')
    provider.chmod(0o755)
    settings = mirror / "terraform.rc"
    settings.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n')
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")} | {
        "TF_CLI_CONFIG_FILE": str(settings),
        "TF_DISABLE_PLUGIN_TLS": "1",
        "CHECKPOINT_DISABLE": "1",
        "TF_IN_AUTOMATION": "1",
    }

    def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["terraform", arguments[0], "-no-color", *arguments[1:]]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    return run
