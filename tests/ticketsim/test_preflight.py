import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from streaming.spark.java import MINIMUM_JAVA
from ticketsim import doctor

ROOT = Path(__file__).parents[2]
PREFLIGHT = ROOT / "ticketsim" / "preflight.sh"

Machine = Callable[..., subprocess.CompletedProcess]


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def python_that_says(major: int, minor: int, *, has_venv: bool = True) -> str:
    """A Python that knows its version and whether it can make virtual environments, and nothing else."""
    answer = f"echo $0; echo {major} {minor}"
    return f'case "$2" in *version_info*) {answer};; *ensurepip*) exit {0 if has_venv else 1};; *) exit 9;; esac'


JAVA_17 = """echo 'openjdk version "17.0.15" 2025-04-15' >&2"""
PYTHON_311 = python_that_says(3, 11)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Runs a command in a fresh folder, on a machine that has exactly the given programs besides the shell's own."""
    bin_folder, work = tmp_path / "bin", tmp_path / "work"
    bin_folder.mkdir()
    (work / "ticketsim").mkdir(parents=True)
    for tool in ("sh", "sed", "echo", "make", "awk", "touch", "rm"):
        (bin_folder / tool).symlink_to(str(shutil.which(tool)))
    for file in ("Makefile", "pyproject.toml", "constraints.txt", "ticketsim/preflight.sh"):
        shutil.copyfile(ROOT / file, work / file)

    def run(*command: str, environment: dict[str, str] | None = None, **programs: str) -> subprocess.CompletedProcess:
        for name, text in programs.items():
            script(bin_folder / name, text)
        before = sorted(work.rglob("*"))
        done = subprocess.run(
            command or ("sh", "ticketsim/preflight.sh"),
            cwd=work,
            env={"PATH": str(bin_folder), "HOME": str(work), **(environment or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert sorted(work.rglob("*")) == before, "something was created"
        return done

    return run


def the_sentence(done: subprocess.CompletedProcess) -> str:
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_a_machine_with_a_fitting_python_and_java_passes_and_the_python_is_printed(machine):
    done = machine(python3=PYTHON_311, java=JAVA_17)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("/bin/python3\n")


def test_this_machine_passes():
    done = subprocess.run(["sh", str(PREFLIGHT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert subprocess.run([done.stdout.strip(), "-c", "import venv"], check=False).returncode == 0


def test_without_java_there_is_one_sentence(machine):
    assert re.search("Java 17 or newer is needed, but java does not run", the_sentence(machine(python3=PYTHON_311)))


@pytest.mark.parametrize(
    ("printed", "release"),
    [('openjdk version "11.0.20"', "11"), ('java version "1.8.0_402"', "8"), ('openjdk version "16-ea"', "16")],
)
def test_an_old_java_is_refused_with_its_version(machine, printed, release):
    done = machine(python3=PYTHON_311, java=f"echo '{printed}' >&2")
    assert f"java is version {release}:" in the_sentence(done)


def test_a_java_that_is_only_a_stub_is_refused(machine):
    done = machine(python3=PYTHON_311, java="echo 'Unable to locate a Java Runtime.' >&2; exit 1")
    assert "does not run" in the_sentence(done)


def test_java_home_decides_over_the_path(machine, tmp_path):
    script(tmp_path / "java", "exit 1")
    done = machine(python3=PYTHON_311, java=JAVA_17, environment={"JAVA_HOME": str(tmp_path / "elsewhere")})
    assert "elsewhere/bin/java does not run" in the_sentence(done)


def test_an_old_or_too_new_python_is_refused_with_its_version(machine):
    done = machine(**{"python3": python_that_says(3, 9), "python3.13": python_that_says(3, 14)}, java=JAVA_17)
    assert "python3 is 3.9, python3.13 is 3.14" in the_sentence(done)


def test_without_python_there_is_one_sentence(machine):
    assert "there is no Python that runs" in the_sentence(machine(java=JAVA_17))


def test_a_python_shim_without_a_python_behind_it_is_passed_over(machine):
    done = machine(**{"python3": "echo 'pyenv: python3: command not found' >&2; exit 127", "python3.12": python_that_says(3, 12)}, java=JAVA_17)  # fmt: skip  # noqa: E501
    assert done.stdout.endswith("/bin/python3.12\n")


def test_a_chosen_python_is_tried_first(machine, tmp_path):
    script(tmp_path / "mine", python_that_says(3, 13))
    done = machine(python3=PYTHON_311, java=JAVA_17, environment={"PYTHON": str(tmp_path / "mine")})
    assert done.stdout == f"{tmp_path / 'mine'}\n"


def test_a_python_that_cannot_make_environments_names_the_package_to_install(machine):
    done = machine(python3=python_that_says(3, 11, has_venv=False), java=JAVA_17)
    assert "apt-get install python3.11-venv" in the_sentence(done)


@pytest.mark.parametrize("target", ["setup", "demo", "up", "test", "test-fast", "lint", "typecheck"])
def test_every_target_looks_before_it_makes_anything(machine, target):
    done = machine("make", target, python3=PYTHON_311)
    assert done.returncode != 0
    assert "error: Java 17 or newer is needed" in done.stderr
    assert done.stdout == ""


def test_make_alone_explains_every_target(machine):
    done = machine("make")
    for target in ("setup", "demo", "up", "test", "test-fast", "lint", "typecheck", "lock", "clean"):
        assert re.search(rf"^  make {target} +[A-Z].+", done.stdout, re.MULTILINE), target


def test_preflight_doctor_and_package_ask_for_the_same_versions():
    text = PREFLIGHT.read_text()
    numbers = {name: int(number) for name, number in re.findall(r"^(\w+)=(\d+)", text, re.MULTILINE)}
    assert numbers == {
        "oldest_python": doctor.PYTHON_FROM[1],
        "newest_python": doctor.PYTHON_BELOW[1] - 1,
        "oldest_java": MINIMUM_JAVA,
    }
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert package["requires-python"] == f">=3.{doctor.PYTHON_FROM[1]},<3.{doctor.PYTHON_BELOW[1]}"


def test_the_machine_of_these_tests_is_really_bare(machine):
    assert machine("sh", "-c", "command -v python3.11 || command -v java || echo none").stdout == "none\n"
    assert os.access(sys.executable, os.X_OK)
