"""What is installed is what is imported: no package can be imported here that the image does not install."""

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]

#: Refuses imports of packages that are not installed there, and of our own source tree.
_BLOCKING = """
import sys
blocked, root = set(sys.argv[1].split(",")), sys.argv[2]
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in getattr(finder, "__module__", "")
                 and "editable" not in repr(finder)]
sys.path_hooks = [hook for hook in sys.path_hooks if "editable" not in repr(hook)]
sys.path = [root, *(path for path in sys.path if path and "editable" not in path)]
class Blocking:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocking())
sys.argv = ["ticketsim", *sys.argv[4:]]
exec(sys.stdin.read())
"""


def named_in(part: str) -> list[str]:
    lines = (ROOT / "deploy" / part / "requirements.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def installed_with(names: list[str]) -> set[str]:
    """Return the distributions that come with ``names``."""
    found: set[str] = set()
    asked = [Requirement(name) for name in names]
    while asked:
        wanted = asked.pop()
        if (name := canonical(wanted.name)) in found:
            continue
        found.add(name)
        needed = (Requirement(line) for line in importlib.metadata.requires(name) or ())
        asked += [each for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})]
    return found


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def run_with(names: list[str], root: Path, code: str, *arguments: str) -> subprocess.CompletedProcess:
    there = installed_with(names)
    tops = importlib.metadata.packages_distributions().items()
    blocked = {top for top, owners in tops if not there & {canonical(owner) for owner in owners}}
    blocked -= {"simulator", "streaming", "ticketsim_assets", "ticketsim"}
    command = [sys.executable, "-c", _BLOCKING, ",".join(sorted(blocked)), str(root), "--", *arguments]
    return subprocess.run(command, cwd="/", input=code, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_simulator_s_image_installs_what_its_commands_import(tmp_path: Path):
    run = "import runpy; runpy.run_module('ticketsim', run_name='__main__')"
    said = run_with(named_in("simulator"), ROOT, run, "simulate", "--hours=0.1", f"--to=file:{tmp_path / 'events'}")
    assert said.returncode == 0, said.stderr
    assert (tmp_path / "events").stat().st_size > 0
    of_topics = "import simulator.sinks.kafka, simulator.topics, ticketsim_assets.settings"
    said = run_with(named_in("simulator"), ROOT, of_topics, "")
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize("missing", ["simpy", "typer"])
def test_a_package_that_is_not_installed_is_missed(missing: str):
    names = [name for name in named_in("simulator") if name != missing]
    said = run_with(names, ROOT, "import ticketsim.cli, simulator.workers", "")
    assert said.returncode == 1
    assert f"No module named '{missing}'" in said.stderr


def test_every_requirement_is_pinned():
    pins = (ROOT / "constraints.txt").read_text()
    for name in [*named_in("simulator"), *named_in("dataproc")]:
        assert re.search(rf"^{re.escape(name)}==", pins, re.MULTILINE), name


def test_the_jars_are_resolved_with_what_is_installed_before_everything_else():
    """`make setup` downloads the jars while most packages are being installed; Kafka's image has no others."""
    named = ["pyspark", "filelock", "tenacity"]
    for file in ("Makefile", "deploy/kafka/Dockerfile"):
        assert f" {' '.join(named)}\n" in (ROOT / file).read_text(encoding="utf-8"), file
    said = run_with(named, ROOT, "import streaming.spark.jars", "")
    assert said.returncode == 0, said.stderr
