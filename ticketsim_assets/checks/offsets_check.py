"""The check on the lake as a whole: each consumed offset is there once. It resumes from its last green evaluation."""

import json
from typing import Final

import dagster as dg
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from streaming.exceptions import NoLake
from streaming.lake.reader import Lake, Snapshot
from streaming.locks.stream_lease import lease_holder
from ticketsim_assets.checks.check_result import CheckResult
from ticketsim_assets.checks.offsets import OffsetState, OffsetVerdict, check_offsets
from ticketsim_assets.exceptions import LakeUnsound
from ticketsim_assets.keys import LAKE_COMPLETE
from ticketsim_assets.resources.resources import LakeResource

CHECK_KEY = dg.AssetCheckKey(LAKE_COMPLETE, "offsets")

_STATE = "state"

#: From the commit of a batch to the record of its gaps, seen on a busy machine: 2 s.
_GAPS_RECORDED_WITHIN_S: Final = 8.0


def last_state(instance: dg.DagsterInstance) -> OffsetState:
    """Return the state of the newest evaluation; a fresh one if there is none."""
    record = instance.get_latest_asset_check_evaluation_record(CHECK_KEY)
    event = record.event.dagster_event if record and record.event else None
    if event is None:
        return OffsetState()
    state = json.loads(str(event.asset_check_evaluation_data.metadata[_STATE].value))
    return OffsetState(state["version"], state["next_offsets"], state.get("logs", {}))


def evaluate(verdict: OffsetVerdict) -> CheckResult:
    """Return ``verdict`` as a verdict of the check; a red one keeps the state of the last green one."""
    state = {
        "version": verdict.state.version,
        "next_offsets": dict(verdict.state.next_offsets),
        "logs": dict(verdict.state.logs),
    }
    return CheckResult(
        CHECK_KEY,
        passed=verdict.sound,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(verdict.problems) or f"each consumed offset is in the lake once{_but(verdict)}",
        metadata={
            _STATE: json.dumps(state, sort_keys=True),
            "problems": list(verdict.problems),
            "recorded_losses": list(verdict.losses),
            "delta_version": verdict.state.version,
        },
    )


def _but(verdict: OffsetVerdict) -> str:
    return f"; {len(verdict.losses)} recorded losses are subtracted" if verdict.losses else ""


def verify_offsets(instance: dg.DagsterInstance, lake: Lake, snapshot: Snapshot) -> OffsetVerdict:
    """Check what came since the last evaluation and record the outcome, outside of any run, if it is new."""
    state = last_state(instance)
    verdict = check_settled_offsets(lake, snapshot, state)
    if verdict.problems or verdict.state != state:
        instance.report_runless_asset_event(evaluate(verdict).as_evaluation())
    return verdict


def check_settled_offsets(lake: Lake, snapshot: Snapshot, state: OffsetState) -> OffsetVerdict:
    """Check the offsets, for a few seconds again and again if something is wrong while a stream runs.

    The stream records which offsets have no record a moment after the commit of the rows around them.
    """
    looks = Retrying(
        retry=retry_if_result(lambda verdict: not verdict.sound and lease_holder(lake.root) is not None),
        stop=stop_after_delay(_GAPS_RECORDED_WITHIN_S),
        wait=wait_fixed(1.0),
        retry_error_callback=lambda look: look.outcome.result(),  # type: ignore[union-attr]  # it has ended
    )
    return looks(check_offsets, lake, snapshot, state)


def require_sound(verdict: OffsetVerdict) -> None:
    """Raise LakeUnsound if the lake has lost or doubled rows."""
    if not verdict.sound:
        raise LakeUnsound(
            f"the lake does not hold each consumed offset once: {'; '.join(verdict.problems)}. Nothing was loaded. "
            "Restore the table to the version before, or find out who else wrote to it."
        )


@dg.asset_check(
    asset=LAKE_COMPLETE,
    name=CHECK_KEY.name,
    description="Rows committed = records consumed from Kafka, per topic and partition, with no gap and no overlap.",
)
def offsets(context: dg.AssetCheckExecutionContext, lake: LakeResource) -> dg.AssetCheckResult:
    """Run the same check on request, from the UI."""
    try:
        opened = lake.open()
        return evaluate(check_settled_offsets(opened, opened.snapshot(), last_state(context.instance))).as_result()
    except NoLake as missing:
        raise dg.Failure(str(missing)) from None
