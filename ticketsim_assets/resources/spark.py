"""Where work on the lake that needs Spark runs: in a JVM of this machine or as a job on Dataproc; a setting chooses."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg

from streaming.lake.reader import Lake
from streaming.maintenance import Task, run_in_turn
from ticketsim_assets.exceptions import DataprocNotSet
from ticketsim_assets.settings import Settings

if TYPE_CHECKING:
    from google.cloud.dataproc_v1 import Job, JobControllerClient


class LakeSpark(dg.ConfigurableResource, ABC):
    """Runs tasks on the lake that need Spark."""

    lake: str

    @abstractmethod
    def run(self, context: dg.OpExecutionContext | dg.AssetExecutionContext, task: Task) -> None:
        """Run ``task`` to its end."""


class LocalSpark(LakeSpark):
    """A session as the stream's own, in a JVM that ends with the task; it waits for its turn to commit."""

    def run(self, context: dg.OpExecutionContext | dg.AssetExecutionContext, task: Task) -> None:
        """Run ``task`` here."""
        # Imported where they are used: Spark takes a second that hourly runs have no use for.
        from dagster_pyspark import LazyPySparkResource  # noqa: PLC0415

        from streaming.spark.session import submitted_or_own_session  # noqa: PLC0415

        with submitted_or_own_session(self.lake):
            # Started, set and ended there alone: dagster-pyspark's resource hands out the session that runs.
            pyspark = LazyPySparkResource(spark_config={})
            run_in_turn(pyspark.spark_session, Lake(self.lake), task, context.log.info)


class DataprocSpark(LakeSpark):
    """A job on a Dataproc cluster, whose main file is ``streaming/maintenance.py``; the run ends when the job does."""

    project: str
    region: str
    cluster: str
    code: str  #: gs:// folder with maintenance.py, ticketsim.zip and jars/

    def run(self, context: dg.OpExecutionContext | dg.AssetExecutionContext, task: Task) -> None:
        """Submit ``task`` and wait for it; a run that is cancelled cancels the job."""
        from dagster_gcp.pipes import PipesDataprocJobClient  # noqa: PLC0415

        client = PipesDataprocJobClient(message_reader=_reports_through_the_lake(), client=self.client())
        client.run(
            context=context,
            submit_job_params={"project_id": self.project, "region": self.region, "job": self.job(task)},
        )

    def client(self) -> "JobControllerClient":
        """Create Google's client for the region's own endpoint, which keeps the jobs."""
        from google.cloud.dataproc_v1 import JobControllerClient  # noqa: PLC0415

        return JobControllerClient(client_options={"api_endpoint": f"{self.region}-dataproc.googleapis.com:443"})

    def job(self, task: Task) -> "Job":
        """Return the job to submit; jars have the names and versions of ``streaming/spark/ivy.xml``."""
        from google.cloud.dataproc_v1 import Job, JobPlacement, PySparkJob  # noqa: PLC0415

        from streaming.spark.jars import ensure_jars  # noqa: PLC0415
        from streaming.spark.session import cluster_settings  # noqa: PLC0415

        return Job(
            placement=JobPlacement(cluster_name=self.cluster),
            pyspark_job=PySparkJob(
                main_python_file_uri=f"{self.code}/maintenance.py",
                python_file_uris=[f"{self.code}/ticketsim.zip"],
                jar_file_uris=[f"{self.code}/jars/{jar.name}" for jar in ensure_jars().spark],
                args=["--lake", self.lake, *task.arguments()],
                properties=cluster_settings(),
            ),
        )


def lake_spark(settings: Settings) -> LakeSpark:
    """Return the Spark that the settings choose.

    Raises:
        DataprocNotSet: it is Dataproc, and a setting is missing that it needs.
    """
    if settings.spark == "local":
        return LocalSpark(lake=settings.lake)
    places = {name: getattr(settings, f"dataproc_{name}") for name in ("project", "region", "cluster", "code")}
    if missing := [f"TICKETSIM_DATAPROC_{name.upper()}" for name, value in places.items() if not value]:
        raise DataprocNotSet(f"TICKETSIM_SPARK is dataproc, and {', '.join(missing)} is not set. Set it, or use local.")
    return DataprocSpark(lake=settings.lake, **places)


def _reports_through_the_lake() -> "dg.PipesMessageReader":
    """Return a reader without messages: the asset reads the outcome from the table's log."""

    class NoMessages(dg.PipesMessageReader):
        @contextmanager
        def read_messages(self, handler: object) -> Iterator[dict[str, str]]:
            yield {}

        def no_messages_debug_text(self) -> str:
            return "The job reports through the lake's log."

    return NoMessages()
