#!/usr/bin/env python3
"""Reads a plan, `terraform show -json PLAN`, for `cloud.sh`: what it would delete, and what it leaves as it is.

plan_review.py deletions     data and machines that it deletes although keep_data is true, one sentence each
plan_review.py ended-jobs    addresses of streaming jobs that have ended for good, which Terraform takes for there
plan_review.py snapshots     PROJECT ZONE DISK of each data disk whose machine or disk it changes

Nothing but Python's own library is used: it runs before `make setup`.
"""

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

#: Resources whose data goes with them.
DATA = {
    "google_compute_disk": "disk",
    "google_storage_bucket": "bucket",
    "google_bigquery_dataset": "dataset",
}

#: Dataproc starts a job that failed again until it has failed too often; these states are final.
#: https://cloud.google.com/dataproc/docs/reference/rest/v1/projects.regions.jobs#state
ENDED = {"CANCELLED", "DONE", "ERROR"}


def changes(plan: dict[str, Any]) -> Iterator[tuple[dict[str, Any], set[str]]]:
    """Yield each resource that the plan creates, changes or deletes, with its actions."""
    for resource in plan.get("resource_changes", []):
        actions = set(resource["change"]["actions"]) - {"no-op", "read"}
        if actions:
            yield resource, actions


def existing(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every resource that was there when the plan was made, after it was looked at."""
    modules = [plan.get("prior_state", {}).get("values", {}).get("root_module", {})]
    while modules:
        module = modules.pop()
        modules += module.get("child_modules", [])
        yield from module.get("resources", [])


def deletions(plan: dict[str, Any]) -> Iterator[str]:
    """Yield a sentence for each resource that a plan must not delete as long as `keep_data` is true."""
    if not plan["variables"]["keep_data"]["value"]:
        return
    for resource, actions in changes(plan):
        if "delete" not in actions:
            continue
        address, created = resource["address"], "create" in actions
        if resource["type"] in DATA:
            kind = DATA[resource["type"]]
            yield f"{address}: the {kind} would be {'recreated empty' if created else 'deleted'}."
        elif resource["type"] == "google_dataproc_cluster":
            yield f"{address}: the cluster, and with it the stream, would be {'recreated' if created else 'deleted'}."


def ended_jobs(plan: dict[str, Any]) -> Iterator[str]:
    """Yield the addresses of the jobs that have ended and that the plan neither deletes nor recreates."""
    handled = {resource["address"] for resource, actions in changes(plan) if "delete" in actions}
    for resource in existing(plan):
        if resource["type"] == "google_dataproc_job" and resource["address"] not in handled:
            status = resource["values"].get("status") or [{}]
            if status[0].get("state") in ENDED:
                yield resource["address"]


def snapshots(plan: dict[str, Any]) -> Iterator[str]:
    """Yield the data disks in whose module the plan changes or deletes a disk or a machine."""
    touched = {
        resource.get("module_address", "")
        for resource, actions in changes(plan)
        if actions & {"update", "delete"} and resource["type"] in {"google_compute_disk", "google_compute_instance"}
    }
    for resource in existing(plan):
        module = resource["address"].rpartition(".google_compute_disk.")[0]
        if resource["type"] == "google_compute_disk" and module in touched:
            values = resource["values"]
            yield f"{values['project']} {values['zone']} {values['name']}"


_COMMANDS: dict[str, Callable[[dict[str, Any]], Iterator[str]]] = {
    "deletions": deletions,
    "ended-jobs": ended_jobs,
    "snapshots": snapshots,
}


if __name__ == "__main__":
    for line in _COMMANDS[sys.argv[1]](json.load(sys.stdin)):
        print(line)
