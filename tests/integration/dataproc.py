"""Dataproc's job API as far as Google's client uses it here, on this machine; jobs run for real, by spark-submit."""

import json
import os
import re
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pyspark
from dataproc_release import lay_out
from google.auth.credentials import AnonymousCredentials
from google.cloud.dataproc_v1 import JobControllerClient
from google.cloud.dataproc_v1.services.job_controller.transports import JobControllerRestTransport

from streaming.spark.session import DEFAULTS
from ticketsim_assets.resources.spark import DataprocSpark

from ..http_server import serve

BUCKET = "gs://code/release"

_LISTING = "spark.sql.sources.parallelPartitionDiscovery.parallelism"

#: A cluster knows these itself.
OF_THIS_MACHINE = {"spark.driver.host": "127.0.0.1", "spark.ui.enabled": "false", _LISTING: DEFAULTS[_LISTING]}


class Dataproc:
    """A cluster of one machine, this one; ``jobs`` holds what was submitted."""

    def __init__(self, folder: Path) -> None:
        """Lay the code out in ``folder`` as it would lie in a bucket."""
        lay_out(folder)
        self.folder = folder
        self.jobs: list[dict] = []
        self.processes: list[subprocess.Popen] = []
        self.server = serve(self._handler())

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        for process in self.processes:
            process.kill()

    def submit(self, job: dict) -> dict:
        spec = job["pysparkJob"]
        here = {key: self._fetched(spec[key]) for key in ("mainPythonFileUri", "pythonFileUris", "jarFileUris")}
        command = [f"{Path(pyspark.__file__).parent}/bin/spark-submit", "--master", "local[2]"]
        for key, value in {**spec["properties"], **OF_THIS_MACHINE}.items():
            command += ["--conf", f"{key}={value}"]
        command += ["--jars", ",".join(here["jarFileUris"]), "--py-files", ",".join(here["pythonFileUris"])]
        command += [here["mainPythonFileUri"], *spec["args"]]
        env = {**os.environ, "PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
        with (self.folder / "driver.log").open("ab") as log:
            self.processes.append(subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, env=env))
        self.jobs.append(job)
        return self.status(len(self.jobs) - 1)

    def status(self, number: int) -> dict:
        code = self.processes[number].poll()
        state = {None: "RUNNING", 0: "DONE"}.get(code, "ERROR")
        details = (self.folder / "driver.log").read_text()[-2000:] if state == "ERROR" else ""
        return {
            "jobUuid": str(number),
            "reference": {"projectId": "venue", "jobId": str(number)},
            "status": {"state": state, "details": details},
            "done": code is not None,
        }

    def _fetched(self, uris):
        if isinstance(uris, str):
            assert uris.startswith(BUCKET)
            return uris.replace(BUCKET, str(self.folder))
        return [self._fetched(uri) for uri in uris]

    def _handler(self):
        dataproc = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path.split("?")[0] == "/v1/projects/venue/regions/europe-west1/jobs:submit"
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._answer(dataproc.submit(asked["job"]))

            def do_GET(self) -> None:
                [number] = re.fullmatch(
                    r"/v1/projects/venue/regions/europe-west1/jobs/(\d+)", self.path.split("?")[0]
                ).groups()
                self._answer(dataproc.status(int(number)))

            def _answer(self, body: dict) -> None:
                payload = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *_: object) -> None: ...

        return Handler


class SparkOnThisDataproc(DataprocSpark):
    """The resource with Google's client as it is, but for where it connects to and as whom."""

    address: str

    def client(self) -> JobControllerClient:
        transport = JobControllerRestTransport(host=self.address, url_scheme="http", credentials=AnonymousCredentials())
        return JobControllerClient(transport=transport)
