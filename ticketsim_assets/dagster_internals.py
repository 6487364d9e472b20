"""What this project uses of Dagster that Dagster does not export: the only module that may know such a name.

Tags and values of the event log are written out here, since Dagster documents most of them as text; a test compares
each with Dagster's own. What cannot be written out is here and nowhere else: how a run that this process executes says
which code location its job is from (without that, the run is on Dagster's page *Runs* only). What is used of
dagster-dbt's internals is in `ticketsim_assets.dagster_dbt_internals`, whose import takes a second more.
"""

from collections.abc import Mapping
from typing import Any, Final

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster._core.remote_origin import RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.workspace.load import location_origin_from_module_name

PARTITION_TAG: Final = "dagster/partition"
RANGE_START_TAG: Final = "dagster/asset_partition_range_start"
RANGE_END_TAG: Final = "dagster/asset_partition_range_end"
DATA_VERSION_TAG: Final = "dagster/data_version"

RUN_KEY_TAG: Final = "dagster/run_key"
MAX_RETRIES_TAG: Final = "dagster/max_retries"
RETRY_STRATEGY_TAG: Final = "dagster/retry_strategy"

#: Why a run failed; absent if its worker was killed and nobody noticed how.
FAILURE_REASON_TAG: Final = "dagster/failure_reason"

#: Reasons that say nothing about what the run was to do.
CRASH_REASONS: Final = frozenset({"UNKNOWN", "UNEXPECTED_TERMINATION", "START_TIMEOUT", "RUN_WORKER_RESTART"})

#: Of runs that a code server has started: the host and the socket or port at which it listens, as JSON.
CODE_SERVER_TAG: Final = ".dagster/grpc_info"

FINISHED: Final = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)

#: MANAGED is of runs that Dagster does not execute itself.
NOT_FINISHED: Final = tuple(
    status for status in dg.DagsterRunStatus if status not in (*FINISHED, dg.DagsterRunStatus.MANAGED)
)


def job_origin(module: str, repository: str, job_name: str) -> RemoteJobOrigin:
    """Return the origin by which a webserver that has loaded ``module`` assigns a run to the job.

    Args:
        module: The module that holds the definitions; also the code location's name.
        repository: The name of the repository that the definitions make.
        job_name: The job.
    """
    location = location_origin_from_module_name(module, attribute=None, working_directory=None)
    return RemoteRepositoryOrigin(location, repository).get_job_origin(job_name)


def execute_here(
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    origin: RemoteJobOrigin,
    *,
    run_config: Mapping[str, Any],
    tags: Mapping[str, str],
) -> dg.JobExecutionResult:
    """Execute ``job`` in this process, as `JobDefinition.execute_in_process` does, in a run that names its origin.

    Its executor must be one that starts no processes.

    Raises:
        DagsterExecutionInterruptedError: Ctrl-C was pressed.
    """
    run = instance.create_run_for_job(
        job, run_config=run_config, tags={**job.run_tags, **tags}, remote_job_origin=origin
    )
    return execute_run(InMemoryJob(job), run, instance, raise_on_error=False)
