"""Submits the stream to a Dataproc cluster by hand. Terraform does the same with ``streaming = true``: use one of both.

python deploy/dataproc/dataproc_submit.py --project P --region R --cluster C --code gs://bucket/RELEASE
    --bootstrap HOST:9092 --lake gs://bucket/lake --checkpoint gs://bucket/checkpoint
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from google.api_core.exceptions import GoogleAPICallError
from google.cloud.dataproc_v1 import Job, JobControllerClient, JobPlacement, JobScheduling, PySparkJob

#: The driver starts its query again by itself; this is for when the driver dies.
MAX_FAILURES_PER_HOUR: Final = 6


def stream_job(cluster: str, code: str, arguments: Sequence[str], release: Mapping[str, Any]) -> Job:
    """The restartable job.

    Args:
        cluster: Where it runs.
        code: The release's folder, ``gs://bucket/prefix``.
        arguments: Of ``stream.py``.
        release: The release's ``job.json``.
    """
    return Job(
        placement=JobPlacement(cluster_name=cluster),
        scheduling=JobScheduling(max_failures_per_hour=MAX_FAILURES_PER_HOUR),
        pyspark_job=PySparkJob(
            main_python_file_uri=f"{code}/stream.py",
            python_file_uris=[f"{code}/ticketsim.zip"],
            jar_file_uris=[f"{code}/jars/{jar}" for jar in release["jars"]],
            args=list(arguments),
            properties=dict(release["properties"]),
        ),
        labels={"part": "stream"},
    )


def main() -> None:
    """Submit and print the job's id."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("project", "region", "cluster", "code", "bootstrap", "lake", "checkpoint"):
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("--release", type=Path, default=Path("build/dataproc/job.json"), help="the release's job.json")
    asked = parser.parse_args()
    given = {f"--{option}": getattr(asked, option) for option in ("bootstrap", "lake", "checkpoint")}
    arguments = [word for option, value in given.items() for word in (option, value)]
    job = stream_job(asked.cluster, asked.code, arguments, json.loads(asked.release.read_text(encoding="utf-8")))
    client = JobControllerClient(client_options={"api_endpoint": f"{asked.region}-dataproc.googleapis.com:443"})
    print(client.submit_job(project_id=asked.project, region=asked.region, job=job).reference.job_id)


if __name__ == "__main__":
    try:
        main()
    except GoogleAPICallError as error:
        sys.exit(f"error: {error}")
