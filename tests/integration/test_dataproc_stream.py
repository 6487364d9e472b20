"""The stream as a job of Dataproc: Google's client, the release's own files, spark-submit, a real Kafka."""

import json
import time
from pathlib import Path

import pytest
from dataproc_submit import stream_job

from simulator.chaos import parse_chaos
from simulator.run import plan_run
from simulator.scenario import load_scenario
from simulator.workers import simulate_to
from streaming.lag import topic_offsets
from streaming.lake import Lake

from .dataproc import BUCKET, Dataproc, SparkOnThisDataproc

pytestmark = pytest.mark.slow


def test_the_stream_as_a_job_commits_all_that_kafka_holds(topics: str, tmp_path: Path):
    run = plan_run(load_scenario("original"), seed=1, hours=0.2)
    simulate_to(run, f"kafka://{topics}", chaos=parse_chaos("corrupt=0.01"))
    dataproc = Dataproc(tmp_path / "bucket")
    client = SparkOnThisDataproc(
        lake="", project="venue", region="europe-west1", cluster="x", code=BUCKET, address=dataproc.address
    ).client()
    release = json.loads((tmp_path / "bucket" / "job.json").read_text())
    lake = tmp_path / "lake"
    asked = [f"--bootstrap={topics}", f"--lake={lake}", f"--checkpoint={tmp_path / 'checkpoint'}", "--once"]
    try:
        job = client.submit_job(project_id="venue", region="europe-west1", job=stream_job("x", BUCKET, asked, release))
        deadline = time.monotonic() + 400
        while not (status := dataproc.status(int(job.reference.job_id)))["done"]:
            assert time.monotonic() < deadline
            time.sleep(0.3)
        assert status["status"]["state"] == "DONE", status["status"]["details"]
        sent = sum(log.end for log in topic_offsets(topics).values())
        assert sent > 1000
        assert sum(file.rows for file in Lake(str(lake)).snapshot().files()) == sent
    finally:
        dataproc.close()
