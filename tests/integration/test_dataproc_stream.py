"""The stream as a job of Dataproc: Google's client, the release's own files, spark-submit, a real Kafka."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from dataproc_submit import parser_of_commands, stream_arguments, stream_job

from simulator.chaos import parse_chaos
from simulator.events import TOPICS
from simulator.run import plan_run
from simulator.scenario import load_scenario
from simulator.workers import simulate_to
from streaming.kafka.offsets import topic_offsets
from streaming.lake.losses import read_losses
from streaming.lake.reader import Lake

from ..fresh_topics import make_anew
from .dataproc import BUCKET, Dataproc, SparkOnThisDataproc

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class StreamJobs:
    """Streaming jobs on one cluster, each waited for."""

    dataproc: Dataproc
    bootstrap: str
    folder: Path

    @property
    def lake(self) -> Lake:
        return Lake(str(self.folder / "lake"))

    def rows(self) -> int:
        return sum(file.rows for file in self.lake.snapshot().files())

    def places(self) -> list[str]:
        return [
            f"--bootstrap={self.bootstrap}",
            f"--lake={self.folder / 'lake'}",
            f"--checkpoint={self.folder / 'checkpoint'}",
        ]

    def run(self, *arguments: str) -> dict[str, str]:
        """Submit a job as the command does and wait for its end; its state and, of a failed one, what it said."""
        client = SparkOnThisDataproc(
            lake="", project="venue", region="europe-west1", cluster="x", code=BUCKET, address=self.dataproc.address
        ).client()
        release = json.loads((self.dataproc.folder / "job.json").read_text())
        # As Terraform does for a cluster with three workers of one core.
        release["properties"] |= {"spark.default.parallelism": "3"}
        asked = stream_job("x", BUCKET, arguments, release)
        job = client.submit_job(project_id="venue", region="europe-west1", job=asked)
        deadline = time.monotonic() + 400
        while not (told := self.dataproc.status(int(job.reference.job_id)))["done"]:
            assert time.monotonic() < deadline
            time.sleep(0.3)
        return told["status"]


@pytest.fixture
def jobs(topics: str, tmp_path: Path) -> Iterator[StreamJobs]:
    dataproc = Dataproc(tmp_path / "bucket")
    yield StreamJobs(dataproc, topics, tmp_path)
    dataproc.close()


def sent(bootstrap: str) -> int:
    return sum(log.end for log in topic_offsets(bootstrap).values())


def test_the_stream_as_a_job_commits_all_that_kafka_holds_and_goes_past_a_loss_only_when_it_is_told_to(jobs):
    run = plan_run(load_scenario("original"), seed=1, hours=0.2)
    simulate_to(run, f"kafka://{jobs.bootstrap}", chaos=parse_chaos("corrupt=0.01"))
    first = sent(jobs.bootstrap)
    assert first > 1000
    done = jobs.run(*jobs.places(), "--once")
    assert done["state"] == "DONE", done["details"]
    assert jobs.rows() == first
    writers = {Path(file.path).name.split("-")[1] for file in jobs.lake.snapshot().files()}
    assert writers == {"00000", "00001", "00002"}

    make_anew(jobs.bootstrap, TOPICS)
    simulate_to(plan_run(load_scenario("original"), seed=2, hours=0.1), f"kafka://{jobs.bootstrap}")
    refused = jobs.run(*jobs.places(), "--once")
    assert refused["state"] == "ERROR"
    assert "was deleted and created again" in refused["details"]
    assert jobs.rows() == first

    command = ["--project=venue", "--region=europe-west1", "--cluster=x", f"--code={BUCKET}", *jobs.places()]
    done = jobs.run(*stream_arguments(parser_of_commands().parse_args([*command, "--accept-loss"])))
    assert done["state"] == "DONE", done["details"]
    assert jobs.rows() == first + sent(jobs.bootstrap)
    assert "recorded loss: " in (jobs.dataproc.folder / "driver.log").read_text()
    assert len(list(read_losses(jobs.lake))) >= len(TOPICS)
