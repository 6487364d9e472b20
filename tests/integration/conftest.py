"""The command line as a user has it, each test with a separate home."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from ..dbt.conftest import DIMENSIONS, HOURLY_MARTS


@dataclass(frozen=True)
class Answer:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict:
        return json.loads(self.out)


@dataclass(frozen=True)
class CommandLine:
    """`ticketsim` with everything under ``home``."""

    home: Path
    port: int

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        own = {"TICKETSIM_HOME": str(self.home), "TICKETSIM_BOOTSTRAP": self.bootstrap}
        return {**{k: v for k, v in os.environ.items() if k != "DAGSTER_HOME"}, **own}

    def start(self, *arguments: str, **options) -> subprocess.Popen:
        return subprocess.Popen([sys.executable, "-m", "ticketsim", *arguments], env=self.environment, **options)

    def __call__(self, *arguments: str) -> Answer:
        done = subprocess.run(
            [sys.executable, "-m", "ticketsim", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def ticketsim(tmp_path, free_port) -> CommandLine:
    line = CommandLine(tmp_path / "home", free_port())
    yield line
    line("broker", "stop")


def figures(home) -> dict[str, list]:
    """Every row of every mart, and of raw but for where it stood in Kafka."""
    with duckdb.connect(home / "warehouse.duckdb", read_only=True) as connection:
        tables = {f"marts.{mart}": f"select * from marts.{mart} order by all" for mart in (*HOURLY_MARTS, *DIMENSIONS)}
        tables["raw.events"] = "select event_id, event_type, event_time, started_at from raw.events order by all"
        return {name: connection.execute(query).fetchall() for name, query in tables.items()}
