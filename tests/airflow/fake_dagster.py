"""A web server that answers as Dagster's GraphQL API does, as far as our client asks."""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOURS = [f"2026-03-01-{hour:02}:00" for hour in range(24)]


def offer(first=HOURS[3], last=HOURS[4], attempt=1):
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    return {"job": "hourly", "first": first, "last": last, "run_key": f"{first}...{last}@7#{attempt}", "tags": tags}


@dataclass
class FakeDagster:
    """What it knows; a test changes it while it serves."""

    offered: list | None = field(default_factory=list)
    runs: list[dict] = field(default_factory=list)  #: newest first
    sensor: str = "RUNNING"
    begun_at: float = 100.0
    finished_at: float = 100.0
    tick_error: str | None = None
    cursor: bool = True
    answer: tuple[int, bytes] | None = None  #: said to every question, instead of the truth
    looks: int = 0

    def respond(self, document: str, variables: dict) -> dict:
        answers = {
            "repositoriesOrError": self._repositories,
            "sensorOrError": self._sensor_state,
            "pipelineOrError": self._partitions,
            "runsOrError": self._found_runs,
            "launchRun": self._launched,
        }
        [name] = [name for name in answers if name in document]
        return {name: answers[name](variables)}

    def _repositories(self, _):
        node = {
            "name": "__repository__",
            "location": {"name": "code"},
            "sensors": [{"name": "kafka"}, {"name": "lake"}],
        }
        return {"__typename": "RepositoryConnection", "nodes": [node]}

    def _sensor_state(self, _):
        self.looks += 1
        if self.looks > 1 and self.tick_error is None:
            self.begun_at = self.finished_at = self.finished_at + 15
        cursor = json.dumps({"version": 3, "due": {}, "offered": self.offered}) if self.cursor else None
        state = {
            "status": self.sensor,
            "newest": [{"timestamp": self.begun_at}],
            "finished": [{"timestamp": self.finished_at, "skipReason": None}] if self.finished_at else [],
            "failed": [{"timestamp": self.begun_at, "error": {"message": self.tick_error}}] if self.tick_error else [],
            "typeSpecificData": {"lastCursor": cursor},
        }
        return {"__typename": "Sensor", "sensorState": state}

    def _partitions(self, _):
        return {"__typename": "Pipeline", "partitionKeysOrError": {"partitionKeys": HOURS}}

    def _found_runs(self, variables):
        wanted = variables["filter"]
        tags = {(tag["key"], tag["value"]) for tag in wanted.get("tags", ())}
        found = [
            run
            for run in self.runs
            if tags <= set(run["tags"].items())
            and run["status"] in wanted.get("statuses", [run["status"]])
            and run["runId"] in wanted.get("runIds", [run["runId"]])
        ]
        as_listed = [{**run, "tags": [{"key": k, "value": v} for k, v in run["tags"].items()]} for run in found]
        return {"__typename": "Runs", "results": as_listed}

    def _launched(self, variables):
        tags = {tag["key"]: tag["value"] for tag in variables["params"]["executionMetadata"]["tags"]}
        run = {"runId": f"run-{len(self.runs) + 1}", "status": "QUEUED", "tags": tags}
        self.runs.insert(0, run)
        return {"__typename": "LaunchRunSuccess", "run": {"runId": run["runId"]}}

    @contextmanager
    def serving(self):
        """Yield the address."""
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, body = fake.answer or (
                    200,
                    json.dumps({"data": fake.respond(asked["query"], asked["variables"])}).encode(),
                )
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_): ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # As tests/http_server.py, which Airflow's environment does not have.
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
