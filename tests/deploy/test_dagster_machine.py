"""Dagster's machine without Docker: Postgres, migration, code server, both web servers, daemon, as Compose has them."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import compose_files
import postgres
import pytest
import yaml
from containers import Container, end

from streaming.spark.jars import cache_root
from ticketsim.stack.dagster_home import CONFIGURATION

ROOT = Path(__file__).parents[2]

PASSWORD = "p w'/@:%"  # noqa: S105  # pragma: allowlist secret

#: What must differ: the database of another machine's loss, logs in a bucket, runs as long as a month's backfill.
OF_THE_CLOUD = {"storage", "compute_logs", "local_artifact_storage", "retention"}


def test_the_cloud_s_instance_is_the_laptop_s_but_for_where_it_keeps_things():
    laptop = yaml.safe_load(CONFIGURATION.read_text())
    cloud = yaml.safe_load((ROOT / "deploy" / "dagster" / "dagster.yaml").read_text())
    assert cloud["run_monitoring"].pop("max_runtime_seconds") > laptop["run_monitoring"].pop("max_runtime_seconds")
    assert {key: value for key, value in cloud.items() if key not in OF_THE_CLOUD} == laptop


def test_every_process_of_the_cloud_s_dagster_hands_its_events_over_in_large_batches():
    services = compose_files.load(ROOT / "deploy" / "dagster" / "compose.yaml")["services"]
    of_dagster = services.keys() - {"postgres"}
    assert {"code", "webserver", "viewer", "daemon"} <= of_dagster
    for name in of_dagster:
        assert compose_files.environment(services[name])["DAGSTER_EVENT_BATCH_SIZE"] == "2000", name


@pytest.fixture
def database(roots: Path, free_port: Callable[[], int]) -> Iterator[postgres.Postgres]:
    with postgres.running(roots / "postgres", free_port(), "dagster", PASSWORD) as server:
        yield server


class Machine:
    """The services of deploy/dagster/compose.yaml; what is published on a port there has one of its own here."""

    def __init__(self, roots: Path, database: postgres.Postgres, free_port: Callable[[], int]) -> None:
        self.roots = roots
        self.database = database
        self.code_port = free_port()
        self.ports = {service: free_port() for service in ("webserver", "viewer")}
        self.processes: list[subprocess.Popen] = []

    def container(self, service: str) -> Container:
        instead = {"=3000": f"={self.ports.get(service)}", ":3000": f":{self.ports.get(service)}"}
        return Container(
            machine="dagster",
            service=service,
            folder=self.roots / service,
            image="dagster",
            installed={"/opt/venv": Path(sys.prefix), "/opt/jars": cache_root()},
            settings={
                "TICKETSIM_LOGS_BUCKET": "logs",
                "TICKETSIM_BOOTSTRAP": "127.0.0.1:9",
                "TICKETSIM_LAKE_URI": str(self.roots / "lake"),
                "TICKETSIM_FIRST_HOUR": "2026-11-01T00:00Z",
                "TICKETSIM_WAREHOUSE": "bigquery",
                **{f"TICKETSIM_BIGQUERY_{name}": "x" for name in ("PROJECT", "LOCATION", "DATASET_PREFIX")},
                **{f"TICKETSIM_DATAPROC_{name}": "x" for name in ("PROJECT", "REGION", "CLUSTER")},
                "TICKETSIM_DATAPROC_CODE": "gs://x",
                "TICKETSIM_PAGE_OBJECT": "gs://page/index.html",
            },
            secrets={"postgres": PASSWORD},
            instead={**instead, "4000": str(self.code_port)},
            environment={
                "DAGSTER_POSTGRES_HOST": "127.0.0.1",
                "DAGSTER_POSTGRES_PORT": str(self.database.port),
                "DAGSTER_CODE_HOST": "127.0.0.1",
                # Google's client is made at once, and asks for credentials unless there is an emulator.
                "STORAGE_EMULATOR_HOST": "http://127.0.0.1:9",
            },
        )

    def start(self, *services: str) -> dict[str, Container]:
        """Start services and wait until their health checks say that they are healthy."""
        started = {service: self.container(service) for service in services}
        processes = {service: container.start() for service, container in started.items()}
        self.processes += processes.values()
        deadline = time.monotonic() + 240
        waiting = dict(started)
        while waiting:
            for service, container in list(waiting.items()):
                assert processes[service].poll() is None, container.log.read_text()[-4000:]
                assert time.monotonic() < deadline, container.log.read_text()[-4000:]
                if container.is_healthy():
                    del waiting[service]
            time.sleep(0.5)
        return started

    def ask(self, service: str, document: str, variables: dict | None = None) -> dict:
        body = json.dumps({"query": document, "variables": variables or {}}).encode()
        url = f"http://127.0.0.1:{self.ports[service]}/graphql"
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.load(answer)


@pytest.fixture
def machine_of_dagster(roots: Path, database: postgres.Postgres, free_port: Callable[[], int]) -> Iterator[Machine]:
    machine = Machine(roots, database, free_port)
    yield machine
    for process in machine.processes:
        end(process)


@pytest.mark.slow
def test_dagster_works_as_its_containers_run_it(machine_of_dagster: Machine):
    migrated = machine_of_dagster.container("migrate").run(timeout=240)
    assert migrated.returncode == 0, migrated.stdout
    tables = machine_of_dagster.database.run("psql", "-U", "dagster", "-Atc", r"\dt", text=True).stdout
    assert {"runs", "event_logs", "jobs", "alembic_version"} <= {line.split("|")[1] for line in tables.splitlines()}

    machine_of_dagster.start("code")
    machine_of_dagster.start("webserver", "viewer", "daemon")

    sensors = (
        "{ repositoriesOrError { ... on RepositoryConnection { nodes { sensors { name sensorState { id } } } } } }"
    )
    stop = "mutation ($id: String!) { stopSensor(id: $id) { __typename ... on Error { message } } }"
    for service, refused in (("viewer", True), ("webserver", False)):
        [repository] = machine_of_dagster.ask(service, sensors)["data"]["repositoriesOrError"]["nodes"]
        [lake] = [sensor for sensor in repository["sensors"] if sensor["name"] == "lake"]
        answer = machine_of_dagster.ask(service, stop, {"id": lake["sensorState"]["id"]})["data"]["stopSensor"]
        assert (answer["__typename"] == "UnauthorizedError") == refused, answer
    for log in machine_of_dagster.roots.glob("*.log"):
        assert PASSWORD not in log.read_text(errors="replace"), log
