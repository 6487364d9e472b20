"""A real `dagster dev` with its daemon, or its webserver alone: for tests that kill it, ask it or look at it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import psutil

from ticketsim.stack.dagster_home import make_instance


@dataclass
class DagsterDev:
    """`dagster dev` on the instance below ``home``; a lake in ``home/lake`` is all that it needs."""

    home: Path
    port: int
    settings: dict[str, str] = field(default_factory=dict)
    program: tuple[str, ...] = ("dagster", "dev")  #: or ``("dagster_webserver",)``, which starts no sensor
    process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.home / "dagster.log"

    def start(self) -> None:
        instance = self.home / "dagster"
        make_instance(instance)
        own = {
            "DAGSTER_HOME": str(instance),
            "TICKETSIM_HOME": str(self.home),
            "TICKETSIM_BOOTSTRAP": "127.0.0.1:9",
            **self.settings,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*(sys.executable, "-m", *self.program, "-m", "ticketsim_assets.definitions"), "-p", str(self.port)],
                env={**os.environ, **own},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End all of it as a power cut would: the daemon, the code server, the run's worker and its dbt."""
        parent = psutil.Process(self.process.pid)
        family = [parent, *parent.children(recursive=True)]
        for process in family:
            process.suspend()  # so that none sees another die and reports it
        for process in [*family, *parent.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait(20)
        self.process = None

    def stop(self) -> None:
        if self.process is None:
            return
        family = [*psutil.Process(self.process.pid).children(recursive=True)]
        self.process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        for kill in [*(process.kill for process in family), self.process.kill]:
            with contextlib.suppress(psutil.NoSuchProcess):
                kill()

    @contextlib.contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        with dg.DagsterInstance.from_config(str(self.home / "dagster")) as instance:
            yield instance

    def until(self, reached: Callable[[dg.DagsterInstance], object], what: str, *, seconds: float = 600) -> object:
        """What ``reached`` says once it is true; the log's end is the test's message if it never is."""
        deadline = time.monotonic() + seconds
        with self.instance() as instance:
            while not (found := reached(instance)):
                said = self.log.read_text(errors="replace")[-4000:]
                assert self.process.poll() is None, said
                assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s\n{said}"
                time.sleep(0.2)
            return found

    def until_served(self) -> None:
        """Wait until the webserver answers with the code location loaded."""
        query = json.dumps({"query": "{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"})
        wanted = urllib.request.Request(  # noqa: S310
            f"{self.url}/graphql", query.encode(), {"Content-Type": "application/json"}
        )

        def answers(_: dg.DagsterInstance) -> bool:
            try:
                with urllib.request.urlopen(wanted, timeout=10) as answer:  # noqa: S310
                    return bool(json.load(answer)["data"]["repositoriesOrError"].get("nodes"))
            except urllib.error.URLError:
                return False

        self.until(answers, "the webserver serves the code location")
