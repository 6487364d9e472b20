"""The tutorial, followed to the letter: every command block of docs/tutorial.md, in order.

On the way it is the test of the live stack: hours arrive by themselves, and Ctrl-C leaves no process behind.
"""

import os
import re
import signal
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from ticketsim.stack.page_server import page_url

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial.md"

#: A block with its info string, or the comment that stands where the reader presses Ctrl-C in the second terminal.
STEP = re.compile(
    r"^```bash ?(?P<how>\w*)\n(?P<commands>.*?)^```$|^<!-- (?P<ctrl_c>Ctrl-C) -->$", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True)
class Step:
    """What the reader does next."""

    how: str  #: ``background``, ``fails``, ``Ctrl-C``, or nothing for a command that succeeds
    commands: str


def steps() -> list[Step]:
    found = STEP.finditer(TUTORIAL.read_text(encoding="utf-8"))
    return [Step(step["ctrl_c"] or step["how"], step["commands"] or "") for step in found]


class Reader:
    """Follows the tutorial; what is exported in one block is there in the next."""

    def __init__(self, folder: Path, broker_port: int, dagster_port: int, page_port: int) -> None:
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("DAGSTER")}
        self.environment |= {
            "TICKETSIM_BOOTSTRAP": f"127.0.0.1:{broker_port}",
            "VIRTUAL_ENV": "",
            "PWD": str(ROOT),
        }
        self.folder = folder
        self.ports = f"--port {dagster_port} --page-port {page_port}"
        self.page = page_url(page_port)
        self.stack: subprocess.Popen | None = None

    def follow(self, step: Step) -> None:
        if step.how == "Ctrl-C":
            assert self.stack.poll() is None, "the stack ended by itself"
            with urllib.request.urlopen(self.page, timeout=10) as page:  # noqa: S310
                assert "proved" in page.read().decode()
            family = psutil.Process(self.stack.pid).children(recursive=True)
            self.stack.send_signal(signal.SIGINT)
            assert self.stack.wait(120) == 0
            _, alive = psutil.wait_procs(family, timeout=10)
            assert alive == []
        elif step.how == "background":
            command = f"exec {step.commands.strip()} {self.ports}"
            self.stack = subprocess.Popen(["bash", "-c", command], cwd=ROOT, env=self.environment)
        else:
            code, said = self._run(step.commands)
            assert (code != 0) is (step.how == "fails"), said

    def _run(self, commands: str) -> tuple[int, str]:
        # The last line hands over what the block exported, whatever became of it.
        after = self.folder / "environment"
        script = f"set -e\ntrap 'env -0 > {after}' EXIT\n{self._own_place(commands)}"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=400,
            check=False,
        )
        pairs = (pair.partition("=") for pair in after.read_text(encoding="utf-8").split("\0") if pair)
        self.environment |= {name: value for name, _, value in pairs}
        return done.returncode, f"{commands}\n{done.stdout}"

    def _own_place(self, commands: str) -> str:
        """The reader's home is the test's own folder, and what `make setup` makes is there already."""
        return commands.replace("$PWD/data/tutorial", str(self.folder / "home")).replace("make setup\n", "")


def test_a_newcomer_who_follows_the_tutorial_sees_what_it_says(tmp_path, free_port):
    todo = steps()
    assert [step.how for step in todo].count("fails") == 2
    reader = Reader(tmp_path, free_port(), free_port(), free_port())
    try:
        for step in todo:
            reader.follow(step)
    finally:
        if reader.stack is not None and reader.stack.poll() is None:
            reader.stack.terminate()
            reader.stack.wait(120)


def test_every_block_of_the_tutorial_is_followed():
    text = TUTORIAL.read_text(encoding="utf-8")
    assert text.count("```") == 2 * sum(step.how != "Ctrl-C" for step in steps())
