"""The work of a container without Docker: its files, entry point, environment, user, working directory.

The image's files are laid out below a folder as the Dockerfile's COPY instructions say. What a builder would install
(`COPY --from`) is taken from this machine. Paths of the image in environment and command begin with that folder. The
process runs under the user id of the image. It may read everything, as in an image, and write only what is its own:
folders that the Dockerfile gives it or, if the root file system is read-only, the service's volumes and tmpfs.
"""

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from json import loads
from pathlib import Path
from typing import Any

import compose_files
from dockerfile_parse import DockerfileParser

ROOT = Path(__file__).parents[2]

_OF_THE_IMAGE = re.compile(r"(?<![\w./-])/(?=(?:opt|var/lib|run/secrets)(?:/|$))")


@dataclass
class Container:
    """A service of ``deploy/<machine>/compose.yaml``, of an image of ours."""

    machine: str
    service: str
    folder: Path  #: where the image's root lies
    image: str
    installed: Mapping[str, Path]  #: what stands on this machine for a path that a build stage makes
    settings: Mapping[str, str] = field(default_factory=dict)  #: what the Compose file's variables are
    secrets: Mapping[str, str] = field(default_factory=dict)  #: contents
    instead: Mapping[str, str] = field(default_factory=dict)  #: texts of the command and environment that differ here
    environment: Mapping[str, str] = field(default_factory=dict)  #: on top of what image and service say

    def __post_init__(self) -> None:
        tree = compose_files.load(ROOT / "deploy" / self.machine / "compose.yaml")
        values = {
            "TICKETSIM_IMAGES": "registry",
            "TICKETSIM_RELEASE": "0",
            "TICKETSIM_SECRETS": "/run",
            **self.settings,
        }
        self.spec: dict[str, Any] = compose_files.interpolated(tree["services"][self.service], values)
        assert self.spec["image"] == f"registry/{self.image}:0"
        parser = DockerfileParser(path=str(ROOT / "deploy" / self.image / "Dockerfile"), fileobj=None)
        self._final: list[dict] = []
        for instruction in parser.structure:
            self._final = [] if instruction["instruction"] == "FROM" else [*self._final, instruction]
        self._environment = parser.envs
        self._lay_out()

    def run(self, *, timeout: float = 60) -> subprocess.CompletedProcess:
        """Run the service's command until it exits."""
        return subprocess.run(
            self._command([*self._entrypoint, *self._arguments]),
            **self._as_there(),
            timeout=timeout,
            check=False,
            **_CAPTURED,
        )

    def start(self) -> subprocess.Popen:
        """Start the service's command; its output goes to ``log``."""
        command = self._command([*self._entrypoint, *self._arguments])
        with self.log.open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, **self._as_there())

    def is_healthy(self) -> bool:
        """Run the service's health check."""
        kind, *command = self.spec["healthcheck"]["test"]
        if kind == "CMD-SHELL":
            command = ["sh", "-c", *command]
        return (
            subprocess.run(self._command(command), **self._as_there(), timeout=60, check=False, **_CAPTURED).returncode
            == 0
        )

    @property
    def log(self) -> Path:
        """What it prints."""
        return self.folder.with_name(f"{self.folder.name}-{self.service}.log")

    @property
    def _entrypoint(self) -> list[str]:
        return self.spec.get("entrypoint") or loads(self._only("ENTRYPOINT"))

    @property
    def _arguments(self) -> list[str]:
        command = self.spec.get("command") or loads(self._only("CMD", "[]"))
        return shlex.split(command) if isinstance(command, str) else command

    def _only(self, name: str, default: str = "") -> str:
        return next((each["value"] for each in reversed(self._final) if each["instruction"] == name), default)

    def _command(self, words: Sequence[str]) -> list[str]:
        uid = int(self._only("USER").partition(":")[0])
        return [*as_user(uid), *(self._here(word) for word in words)]

    def _as_there(self) -> dict[str, Any]:
        env = {"PATH": os.environ["PATH"], "HOME": self._home(), **self._environment}
        env |= compose_files.environment(self.spec)
        env = {name: self._here(value) for name, value in env.items()} | dict(self.environment)
        return {"env": env, "cwd": self._inside(self._only("WORKDIR")), "stdin": subprocess.DEVNULL}

    def _home(self) -> str:
        found = re.search(r"--home-dir (\S+)", self._only("RUN"))
        return found.group(1) if found else "/nonexistent"

    def _here(self, text: str) -> str:
        for there, here in self.instead.items():
            text = text.replace(there, here)
        return _OF_THE_IMAGE.sub(f"{self.folder}/", text)

    def _inside(self, path: str) -> Path:
        return self.folder / path.lstrip("/")

    def _lay_out(self) -> None:
        for instruction in self._final:
            value = instruction["value"]
            if instruction["instruction"] == "RUN":
                for folder in re.findall(r"install -d -o \d+ -g \d+ (.*)", value):
                    self._give(*folder.split())
                if "--create-home" in value:
                    self._give(*re.findall(r"--home-dir (\S+)", value))
            elif instruction["instruction"] == "COPY":
                *sources, target = value.split()
                if sources[0].startswith("--from="):
                    link = self._inside(target.rstrip("/"))
                    link.parent.mkdir(parents=True, exist_ok=True)
                    link.symlink_to(self.installed[target.rstrip("/")])
                    continue
                for source in sources:
                    _copy(ROOT / source, self._inside(target), into=target.endswith("/"))
        if self.spec.get("read_only"):
            self._seal()
            own = [*self.spec.get("tmpfs", ()), *(each.partition(":")[2] for each in self.spec.get("volumes", ()))]
            self._give(*(path.split(":")[0] for path in own if not path.startswith("/tmp")))  # noqa: S108
        for name in self.spec.get("secrets", ()):
            secret = self._inside(f"/run/secrets/{name}")
            secret.parent.mkdir(parents=True, exist_ok=True)
            secret.write_text(self.secrets.get(name, ""))

    def _give(self, *paths: str) -> None:
        """Return the user's own folders."""
        uid = int(self._only("USER").partition(":")[0])
        for path in paths:
            folder = self._inside(path)
            folder.mkdir(parents=True, exist_ok=True)
            if os.geteuid() == 0:
                os.chown(folder, uid, uid)

    def _seal(self) -> None:
        for path in self.folder.rglob("*"):
            if os.geteuid() == 0 and not path.is_symlink():
                os.chown(path, 0, 0)


def as_user(uid: int) -> list[str]:
    """Return the prefix of a command that runs under another user id; empty if we are an ordinary user already."""
    if os.geteuid() != 0:
        return []
    kept = [f"--{kind}=-all,+dac_read_search" for kind in ("inh-caps", "ambient-caps", "bounding-set")]
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs", *kept]


_CAPTURED: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}


def end(process: subprocess.Popen, *, timeout_s: float = 30) -> int:
    """Stop the process as Docker does; what still runs after ``timeout_s`` seconds is killed."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(timeout_s)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _copy(source: Path, target: Path, *, into: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc", *(("target", "logs") if source.name == "dbt" else ()))
        shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)
    else:
        target = target / source.name if into else target
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
