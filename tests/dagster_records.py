"""Records as Dagster's own processes write them, for tests of what we read from them.

Dagster exports nothing that makes one: with `tests/ticketsim_assets/test_dagster_internals.py` this is the only module
of tests that imports what is private there.
"""

import dagster as dg
from dagster import DagsterEventType
from dagster._core.events import EngineEventData, JobFailureData, RunFailureReason, StepMaterializationData

#: A run that failed because one of its steps did.
STEP_FAILED = JobFailureData(error=None, failure_reason=RunFailureReason.STEP_FAILURE)


def worker_seen(run_id: str, job_name: str, pid: int, at: float) -> dg.EventLogEntry:
    """Return the event that the process ``pid`` records when it begins to execute a run."""
    event = dg.DagsterEvent(
        DagsterEventType.ENGINE_EVENT.value,
        job_name,
        event_specific_data=EngineEventData.in_process(pid),
        message="Started process for run",
    )
    return dg.EventLogEntry(None, 20, "", run_id, at, dagster_event=event)


def materialized(run_id: str, job_name: str, what: dg.AssetMaterialization, at: float) -> dg.EventLogEntry:
    """Return the event that a step of a run records for an hour that it has loaded."""
    data = StepMaterializationData(what, [])
    event = dg.DagsterEvent(DagsterEventType.ASSET_MATERIALIZATION.value, job_name, event_specific_data=data)
    return dg.EventLogEntry(None, 20, "", run_id, at, dagster_event=event)
