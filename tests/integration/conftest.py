"""The command line as a user has it, each test with a separate home."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    surroundings: Mapping[str, str] = field(default_factory=dict)  #: variables of others
    runs_in: tuple[str, ...] = ()  #: command that runs each command

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        own = {"TICKETSIM_HOME": str(self.home), "TICKETSIM_BOOTSTRAP": self.bootstrap}
        return {**{k: v for k, v in os.environ.items() if k != "DAGSTER_HOME"}, **self.surroundings, **own}

    def command(self, *arguments: str) -> list[str]:
        return [*self.runs_in, sys.executable, "-m", "ticketsim", *arguments]

    def start(self, *arguments: str, **options) -> subprocess.Popen:
        return subprocess.Popen(self.command(*arguments), env=self.environment, **options)

    def __call__(self, *arguments: str) -> Answer:
        done = subprocess.run(
            self.command(*arguments),
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


#: What somebody has set who works with another Spark and another project of dbt, behind a proxy, in the locale C.
_OF_OTHERS = {
    **{f"SPARK_{name}": "/nowhere" for name in ("HOME", "CONF_DIR", "LOCAL_DIRS", "MASTER")},
    **dict.fromkeys(("PYSPARK_PYTHON", "HADOOP_CONF_DIR", "CLASSPATH", "DBT_TARGET_PATH"), "/nowhere"),
    **dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9"),
    "PYSPARK_SUBMIT_ARGS": "--master yarn pyspark-shell",
    "SPARK_REMOTE": "sc://nowhere",
    "DBT_PROFILES_DIR": "/nowhere",
    "DBT_FULL_REFRESH": "1",
    "LC_ALL": "C",
}

#: Runs a command on a machine whose name has no address, where the system can do that.
_NAMELESS = (
    *("unshare", *(() if os.geteuid() == 0 else ("--user", "--map-root-user")), "--uts", sys.executable, "-c"),
    "import os, socket, sys; socket.sethostname('nobody-knows-me'); os.execv(sys.argv[1], sys.argv[1:])",
)


@pytest.fixture
def ticketsim_elsewhere(tmp_path, free_port) -> CommandLine:
    """The same in a home with spaces, quotes and letters of other alphabets, on the machine of somebody else."""
    temporary = tmp_path / "temporary é"
    temporary.mkdir()
    works = shutil.which("unshare") and subprocess.run([*_NAMELESS, "/bin/true"], check=False).returncode == 0
    line = CommandLine(
        tmp_path / "My Projekt é 日本" / "it's (1) & `more`, +a:b" / "data",
        free_port(),
        {**_OF_OTHERS, "TMPDIR": str(temporary)},
        _NAMELESS if works else (),
    )
    yield line
    line("broker", "stop")


def figures(home) -> dict[str, list]:
    """Every row of every mart, and of raw but for where it stood in Kafka."""
    with duckdb.connect(home / "warehouse.duckdb", read_only=True) as connection:
        tables = {f"marts.{mart}": f"select * from marts.{mart} order by all" for mart in (*HOURLY_MARTS, *DIMENSIONS)}
        tables["raw.events"] = "select event_id, event_type, event_time, started_at from raw.events order by all"
        return {name: connection.execute(query).fetchall() for name, query in tables.items()}
