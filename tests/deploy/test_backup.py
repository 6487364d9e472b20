"""The dump of Dagster's database and the way back, with a real Postgres and its own tools."""

import os
import subprocess
import urllib.parse
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import postgres
import pytest

from ..http_server import serve

ROOT = Path(__file__).parents[2]

#: `docker compose exec postgres TOOL ...` runs the tool here; other commands are written down.
_DOCKER = """#!/bin/bash
while [ "$1" != exec ] && [ $# -gt 0 ]; do
    case $1 in stop | up) echo "$@" >>"$COMMANDS"; exit 0 ;; esac
    shift
done
shift 3
tool=$1; shift
exec "$POSTGRES_BIN/$tool" "$@"
"""


class Bucket:
    """Cloud Storage's JSON API as far as the script asks it, and the machine's token."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        bucket = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.endswith("/token"):
                    self._answer(200, b'{"access_token": "t"}')
                    return
                name = urllib.parse.unquote(self.path.removeprefix("/storage/v1/b/backups/o/").partition("?")[0])
                self._answer(*((200, bucket.objects[name]) if self._known() and name in bucket.objects else (404, b"")))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                path, _, query = self.path.partition("?")
                asked = dict(urllib.parse.parse_qsl(query))
                if path != "/upload/storage/v1/b/backups/o" or asked["uploadType"] != "media" or not self._known():
                    self._answer(403, b"")
                    return
                bucket.objects[asked["name"]] = body
                self._answer(200, b"{}")

            def _known(self) -> bool:
                return self.headers["Authorization"] == "Bearer t"

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self.server = serve(Handler)


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    running = Bucket()
    yield running
    running.server.shutdown()


@pytest.mark.slow
def test_a_dump_brings_the_database_back_as_it_was(roots: Path, bucket: Bucket, free_port: Callable[[], int]):
    docker = roots / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(_DOCKER)
    docker.chmod(0o755)
    with postgres.running(roots / "postgres", free_port(), "dagster", "secret") as database:
        url = f"http://127.0.0.1:{bucket.server.server_port}"
        env = {
            "PATH": f"{docker.parent}:{os.environ['PATH']}",
            "METADATA": url,
            "STORAGE": url,
            "TICKETSIM_BACKUP_URI": "gs://backups/of dagster",
            "TICKETSIM_COMPOSE": "dagster.yaml",
            "COMMANDS": str(roots / "commands"),
            "POSTGRES_BIN": str(postgres.BIN),
            **database.environment,
        }

        def backup(*arguments: str) -> subprocess.CompletedProcess:
            script = ROOT / "deploy" / "dagster" / "backup.sh"
            return subprocess.run([script, *arguments], env=env, capture_output=True, text=True, check=False)

        def sql(statement: str) -> str:
            return database.run("psql", "-U", "dagster", "-Atc", statement, text=True).stdout.strip()

        sql("create table runs as select generate_series(1, 1000) as id")
        dumped = backup()
        assert dumped.returncode == 0, dumped.stderr
        [name] = bucket.objects
        assert dumped.stdout.strip() == f"gs://backups/{name}"
        assert name.startswith("of dagster/")

        sql("delete from runs where id > 10; create table later (id int)")
        restored = backup("restore", name)
        assert restored.returncode == 0, restored.stderr
        assert sql("select count(*), sum(id) from runs") == "1000|500500"
        assert (roots / "commands").read_text().splitlines() == ["stop daemon webserver viewer code", "up --detach"]

        bucket.objects[name] = b"no dump"
        broken = backup("restore", name)
        assert broken.returncode != 0
        assert sql("select count(*) from runs") == "1000", "what cannot be read changes nothing"
        assert backup("restore", "missing").returncode != 0


def test_a_bucket_that_refuses_makes_the_dump_fail(tmp_path: Path, bucket: Bucket):
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho a dump\n")
    docker.chmod(0o755)
    url = f"http://127.0.0.1:{bucket.server.server_port}"
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "METADATA": url, "STORAGE": url, "TICKETSIM_COMPOSE": "x"}
    script = ROOT / "deploy" / "dagster" / "backup.sh"
    said = subprocess.run(
        [script], env=env | {"TICKETSIM_BACKUP_URI": "gs://others/x"}, capture_output=True, text=True, check=False
    )
    assert said.returncode != 0
    assert "403" in said.stderr
