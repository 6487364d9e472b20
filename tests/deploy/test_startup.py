"""The parts of the machines' start-up scripts against a metadata server and a Secret Manager that run here."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from metadata_server import TOKEN, Cloud

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    running = Cloud(attributes={"ticketsim-prefix": "show", "startup-script": "x"})
    yield running
    running.server.shutdown()


def run(cloud: Cloud, folder: Path, machine: str, *commands: str, path: str = "") -> subprocess.CompletedProcess:
    """Run functions of a machine's start-up script, put together as Terraform does it."""
    script = folder / f"{machine}.sh"
    parts = (ROOT / "deploy" / "vm.sh", ROOT / "deploy" / machine / "startup.sh")
    script.write_text("\n".join([*(part.read_text() for part in parts), *commands]))
    env = {
        "PATH": f"{path}{os.environ['PATH']}",
        "ONLY_FUNCTIONS": "1",
        "METADATA": f"{cloud.url}/metadata",
        "SECRET_MANAGER": f"{cloud.url}/secrets",
        "RUN": str(folder / "run"),
        "HOME_ON_DISK": str(folder / "home"),
    }
    return subprocess.run(["bash", script], env=env, capture_output=True, text=True, check=False)


def test_attributes_of_the_machine_become_the_settings_that_compose_reads(cloud: Cloud, tmp_path: Path):
    cloud.attributes |= {"ticketsim-lake-uri": "gs://b/lake & $x", "ticketsim-first-hour": "2026-01-01T00:00Z"}
    said = run(cloud, tmp_path, "dagster", "write_settings", "setting LAKE_URI")
    assert said.returncode == 0, said.stderr
    assert said.stdout == "gs://b/lake & $x\n"
    assert (tmp_path / "run" / "settings.env").read_text().splitlines() == [
        "TICKETSIM_PREFIX='show'",
        "TICKETSIM_LAKE_URI='gs://b/lake & $x'",
        "TICKETSIM_FIRST_HOUR='2026-01-01T00:00Z'",
        f"TICKETSIM_SECRETS='{tmp_path}/run/secrets'",
    ]


def test_a_setting_that_could_become_two_is_refused(cloud: Cloud, tmp_path: Path):
    cloud.attributes["ticketsim-lake-uri"] = "x'\nTICKETSIM_TRIGGER='dagster"
    said = run(cloud, tmp_path, "dagster", "write_settings")
    assert said.returncode == 1
    assert "invalid attribute ticketsim-lake-uri: it has a line break or a quote" in said.stderr
    assert not (tmp_path / "run" / "settings.env").exists()


def test_a_setting_that_is_missing_is_named(cloud: Cloud, tmp_path: Path):
    said = run(cloud, tmp_path, "dagster", "write_settings", "start dagster")
    assert said.returncode == 1
    assert "no attribute for TICKETSIM_IMAGES" in said.stderr


def test_secrets_become_files_in_a_folder_for_root_alone(cloud: Cloud, tmp_path: Path):
    cloud.secrets["show-dagster-postgres-password"] = b"p w'\"\\\xc3\xa9"
    said = run(cloud, tmp_path, "dagster", "write_settings", "fetch_secret dagster-postgres-password")
    assert said.returncode == 0, said.stderr
    secret = tmp_path / "run" / "secrets" / "dagster-postgres-password"
    assert secret.read_bytes() == b"p w'\"\\\xc3\xa9"
    assert oct(secret.parent.stat().st_mode)[-3:] == "700"
    assert TOKEN not in said.stdout + said.stderr


@pytest.mark.parametrize(
    ("status", "optional", "code"), [(404, "", 1), (403, "", 1), (404, "optional", 0), (403, "optional", 1)]
)
def test_a_secret_that_cannot_be_read_is_named_unless_it_may_be_missing(
    cloud: Cloud, tmp_path: Path, status: int, optional: str, code: int
):
    cloud.status = status
    said = run(cloud, tmp_path, "dagster", "write_settings", f"fetch_secret alert-url {optional}")
    assert said.returncode == code
    assert (f"secret show-alert-url cannot be read (HTTP {status})" in said.stderr) == bool(code)
    assert (tmp_path / "run" / "secrets" / "alert-url").exists() == (not code)


def test_airflow_finds_its_database_whatever_the_password_holds(cloud: Cloud, tmp_path: Path):
    password = "a/b@c:d%e f"  # noqa: S105  # pragma: allowlist secret
    cloud.secrets |= {
        "show-airflow-postgres-password": password.encode() + b"\n",
        "show-airflow-admin-password": b'say "x"',
    }
    fetch = [f"fetch_secret airflow-{name}-password" for name in ("postgres", "admin")]
    said = run(cloud, tmp_path, "airflow", "write_settings", *fetch, "derive_secrets")
    assert said.returncode == 0, said.stderr
    secrets = tmp_path / "run" / "secrets"
    assert (secrets / "sql-alchemy-conn").read_text() == (
        "postgresql+psycopg2://airflow:a%2Fb%40c%3Ad%25e%20f@postgres/airflow\n"  # pragma: allowlist secret
    )
    assert json.loads((secrets / "passwords.json").read_text()) == {"admin": 'say "x"'}


def test_a_secret_file_becomes_a_variable_of_the_command_and_nothing_else(tmp_path: Path):
    (tmp_path / "one").write_text("p w\n")
    (tmp_path / "none").write_text("")
    env = {"PATH": os.environ["PATH"], "ONE_FROM": str(tmp_path / "one"), "NONE_FROM": str(tmp_path / "none")}
    shown = subprocess.run(
        [ROOT / "deploy" / "with-secrets.sh", "env"], env=env, capture_output=True, text=True, check=True
    )
    assert "ONE=p w\n" in shown.stdout
    assert "NONE" not in shown.stdout
    assert "_FROM" not in shown.stdout


def test_a_secret_file_that_is_missing_is_named(tmp_path: Path):
    env = {"PATH": os.environ["PATH"], "ONE_FROM": str(tmp_path / "one")}
    said = subprocess.run([ROOT / "deploy" / "with-secrets.sh", "env"], env=env, capture_output=True, text=True)  # noqa: PLW1510
    assert said.returncode == 1
    assert "ONE_FROM" in said.stderr
