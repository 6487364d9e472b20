"""The graph in a form that is read in a review: ``python tests/ticketsim_assets/definitions_snapshot.py`` writes it."""

from pathlib import Path
from typing import Any

import dagster as dg
import yaml

ROOT = Path(__file__).parents[2]

FILE = Path(__file__).with_suffix(".yaml")

COMMAND = f".venv/bin/python {Path(__file__).relative_to(ROOT)}"


def snapshot(defs: dg.Definitions) -> str:
    """Every asset, check, job, sensor and schedule of ``defs`` as YAML, by name; no value of a machine is in it."""
    graph, repository = defs.resolve_asset_graph(), defs.get_repository_def()
    parts = {
        "assets": {_name(key): _asset(graph, key) for key in sorted(graph.get_all_asset_keys())},
        "jobs": {job.name: _job(job) for job in repository.get_all_jobs() if not job.name.startswith("__")},
        "schedules": {each.name: _schedule(each) for each in repository.schedule_defs},
        "sensors": {each.name: _sensor(each) for each in repository.sensor_defs},
    }
    return yaml.safe_dump(parts, sort_keys=False, width=118, allow_unicode=True)


def _name(key: dg.AssetKey) -> str:
    return key.to_user_string()


def _given(**facts: Any) -> dict[str, Any]:
    """``facts`` without those that are empty."""
    return {name: fact for name, fact in facts.items() if fact not in (None, [], {}, "")}


def _asset(graph: Any, key: dg.AssetKey) -> dict[str, Any]:
    node = graph.get(key)
    checks = sorted(node.check_keys, key=lambda check: check.name)
    return _given(
        description=" ".join((node.description or "").split("#### Raw SQL")[0].split()),
        group=node.group_name,
        kinds=sorted(node.kinds),
        owners=list(node.owners),
        deps=sorted(_name(parent) for parent in node.parent_keys),
        partitions=str(node.partitions_def) if node.partitions_def else None,
        backfill=node.backfill_policy.policy_type.value if node.backfill_policy else None,
        pools=sorted(node.pools or []),
        freshness=_freshness(node.freshness_policy),
        metadata=sorted(name for name in node.metadata if not name.startswith("dagster_dbt/")),
        code=_code(node.metadata.get("dagster/code_references")),
        checks={check.name: _check(graph.get_check_spec(check)) for check in checks},
    )


def _freshness(policy: Any) -> str | None:
    if policy is None:
        return None
    windows = {"warn": policy.warn_window, "fail": policy.fail_window}
    return ", ".join(f"{name} after {window.to_timedelta()}" for name, window in windows.items() if window)


def _code(references: dg.CodeReferencesMetadataValue | None) -> list[str]:
    """Files only: a line number changes with every line above it."""
    return [str(Path(each.file_path).relative_to(ROOT)) for each in references.code_references] if references else []


def _check(spec: dg.AssetCheckSpec) -> dict[str, Any]:
    return _given(blocking=spec.blocking, description=" ".join((spec.description or "").split()))


def _job(job: dg.JobDefinition) -> dict[str, Any]:
    return _given(
        description=" ".join((job.description or "").split()),
        assets=sorted(_name(key) for key in job.asset_layer.executable_asset_keys),
        ops=sorted(job.graph.node_dict) if not job.asset_layer.executable_asset_keys else None,
        executor=job.executor_def.name,
        tags=dict(job.tags),
    )


def _schedule(schedule: dg.ScheduleDefinition) -> dict[str, Any]:
    return _given(
        job=schedule.job_name,
        cron=schedule.cron_schedule,
        timezone=schedule.execution_timezone,
        status=schedule.default_status.value,
    )


def _sensor(sensor: dg.SensorDefinition) -> dict[str, Any]:
    return _given(
        description=sensor.description,
        kind=sensor.sensor_type.value,
        jobs=sorted(target.job_name for target in sensor.targets),
        seconds=sensor.minimum_interval_seconds,
        status=sensor.default_status.value,
    )


if __name__ == "__main__":
    from ticketsim_assets.definitions import defs

    FILE.write_text(snapshot(defs), encoding="utf-8")
    print(f"wrote {FILE.relative_to(ROOT)}: look at its diff before you commit it")
