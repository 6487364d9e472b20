"""Submits the stream to a Dataproc cluster by hand. Terraform does the same with ``streaming = true``: use one of both.

python deploy/dataproc/dataproc_submit.py --project P --region R --cluster C --code gs://bucket/RELEASE
    --bootstrap HOST:9092 --lake gs://bucket/lake --checkpoint gs://bucket/lake/checkpoint

With --recover or --accept-loss the job resumes past its checkpoint or past a loss, commits what Kafka holds, and ends;
the stream's own job must be stopped (docs/runbook.md).
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from google.api_core.exceptions import GoogleAPICallError
from google.cloud.dataproc_v1 import Job, JobControllerClient, JobPlacement, JobScheduling, PySparkJob

#: The driver restarts its query by itself; this is for when the driver dies.
MAX_FAILURES_PER_HOUR: Final = 6


def stream_job(cluster: str, code: str, arguments: Sequence[str], release: Mapping[str, Any]) -> Job:
    """Build the job; Dataproc restarts it when it fails, unless it runs with ``--once``.

    Args:
        cluster: The cluster's name.
        code: The release's folder, ``gs://bucket/prefix``.
        arguments: The arguments of ``stream.py``.
        release: The release's ``job.json``.
    """
    return Job(
        placement=JobPlacement(cluster_name=cluster),
        scheduling=None if "--once" in arguments else JobScheduling(max_failures_per_hour=MAX_FAILURES_PER_HOUR),
        pyspark_job=PySparkJob(
            main_python_file_uri=f"{code}/stream.py",
            python_file_uris=[f"{code}/ticketsim.zip"],
            jar_file_uris=[f"{code}/jars/{jar}" for jar in release["jars"]],
            args=list(arguments),
            properties=dict(release["properties"]),
        ),
        labels={"part": "stream"},
    )


def stream_arguments(asked: argparse.Namespace) -> list[str]:
    """Return the arguments of ``stream.py``: where it reads and writes and, with ``--once``, where it resumes."""
    given = {f"--{option}": getattr(asked, option) for option in ("bootstrap", "lake", "checkpoint")}
    places = [word for option, value in given.items() for word in (option, value)]
    return [*places, "--once", asked.start_from] if asked.start_from else places


def parser_of_commands() -> argparse.ArgumentParser:
    """Build the parser of this command's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("project", "region", "cluster", "code", "bootstrap", "lake", "checkpoint"):
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("--release", type=Path, default=Path("build/dataproc/job.json"), help="the release's job.json")
    going_on = parser.add_mutually_exclusive_group()
    for option, meaning in (
        ("--recover", "set the checkpoint aside and resume where the lake ends"),
        ("--accept-loss", "the same, and record messages that are gone from Kafka as lost"),
    ):
        going_on.add_argument(option, dest="start_from", action="store_const", const=option, help=meaning)
    return parser


def main() -> None:
    """Submit the job and print its id."""
    asked = parser_of_commands().parse_args()
    job = stream_job(
        asked.cluster, asked.code, stream_arguments(asked), json.loads(asked.release.read_text(encoding="utf-8"))
    )
    client = JobControllerClient(client_options={"api_endpoint": f"{asked.region}-dataproc.googleapis.com:443"})
    print(client.submit_job(project_id=asked.project, region=asked.region, job=job).reference.job_id)


if __name__ == "__main__":
    try:
        main()
    except GoogleAPICallError as error:
        sys.exit(f"error: {error}")
