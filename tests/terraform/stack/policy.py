"""The rules of the stack: nothing public, no permission that is not needed, no data deleted."""

import re
from collections.abc import Iterator
from typing import Any, Final

from stack.configuration import Configuration, Resource

#: From where Identity-Aware Proxy forwards tunnels.
IAP_RANGE: Final = "35.235.240.0/20"

#: Every role that may be given, and why it is needed.
ROLES: Final = {
    "roles/logging.logWriter": "every machine writes logs",
    "roles/monitoring.metricWriter": "every machine writes metrics",
    "roles/dataproc.worker": "Dataproc's agents on the cluster's machines",
    "roles/bigquery.jobUser": "Dagster runs queries and load jobs",
    "roles/bigquery.dataEditor": "Dagster fills its three datasets, given on each",
    "roles/storage.objectUser": "on one bucket: the cluster writes the lake, Dagster its logs and the page",
    "roles/storage.objectViewer": "on one bucket: Dagster reads the lake, the cluster the code, people the dashboard",
    "roles/storage.legacyBucketReader": "on one bucket: Dagster's log manager asks whether it exists",
    "roles/artifactregistry.reader": "on one repository: machines pull images",
    "roles/secretmanager.secretAccessor": "on one secret, for the machine that needs it",  # pragma: allowlist secret
    "roles/iap.tunnelResourceAccessor": "operators open tunnels",
    "roles/compute.osAdminLogin": "operators log in",
    "roles/compute.viewer": "on one machine: viewers' gcloud asks for it before it opens their tunnel",
    "roles/iam.serviceAccountUser": "operators log in to machines that have an account",
}

#: Roles that are given on a resource, never for the whole project.
_NARROW: Final = (
    "bigquery.dataEditor",
    "storage.",
    "artifactregistry.",
    "secretmanager.",
    "iam.serviceAccountUser",
    "compute.viewer",
)

#: Roles that a service account may have for a whole project besides predefined ones.
_PERMISSIONS: Final = {
    *(f"dataproc.jobs.{verb}" for verb in ("cancel", "create", "get", "list")),
    "dataproc.clusters.get",
    "dataproc.clusters.use",
}

#: Buckets whose objects cannot be recreated; of code only what has the prefix of Dagster's compute logs may go.
_KEPT: Final[dict[str, set[str]]] = {"lake": set(), "code": {"dagster/"}}

_PRIVATE_KEYS: Final = {"google_service_account_key", "google_secret_manager_secret_version"}

_WHOLE_POLICIES: Final = re.compile(r"google_\w+_iam_(policy|binding)$")


def policy_errors(configuration: Configuration) -> list[str]:
    """Return one sentence for each rule that is broken."""
    errors = [f"{resource}: {error}" for resource in configuration.resources() for error in _of_resource(resource)]
    errors += list(_of_the_whole(configuration))
    return errors


def _of_resource(resource: Resource) -> Iterator[str]:
    if resource.type in _PRIVATE_KEYS:
        yield "its secret would be in Terraform's state."
    if _WHOLE_POLICIES.match(resource.type):
        yield "it would take away what others have granted; use iam_member."
    if resource.type in _CHECKS:
        yield from _CHECKS[resource.type](resource)


def _firewall(resource: Resource) -> Iterator[str]:
    if not resource.blocks("allow"):
        return
    ranges = resource.value("source_ranges") or []
    if not ranges and not resource.value("source_service_accounts"):
        yield "it lets everybody in: it names no source."
    for source in ranges:
        if source != IAP_RANGE:
            yield f"it lets {source} in; only Identity-Aware Proxy ({IAP_RANGE}) and service accounts may come."
    if not resource.value("target_service_accounts"):
        yield "it holds for all machines: it names no target_service_accounts."


def _instance(resource: Resource) -> Iterator[str]:
    for outside in ("access_config", "ipv6_access_config"):
        if resource.blocks("network_interface", outside):
            yield "it has an address outside."
    if not resource.blocks("service_account"):
        yield "it would run as Compute Engine's default account."
    if not all(block.get("enable_secure_boot") for block in resource.blocks("shielded_instance_config")):
        yield "its boot is not secured."
    for setting in ("block-project-ssh-keys", "enable-oslogin"):
        if not re.search(rf'"?{setting}"? = "true"', str(resource.body["metadata"])):
            yield f"keys of the project open it: {setting} is not set."


def _address(resource: Resource) -> Iterator[str]:
    if resource.value("address_type") != "INTERNAL":
        yield "it is an address outside."


def _bucket(resource: Resource) -> Iterator[str]:
    if resource.value("public_access_prevention") != "enforced":
        yield "it can be made public: public_access_prevention is not enforced."
    if resource.value("uniform_bucket_level_access") is not True:
        yield "single objects can be made public: uniform_bucket_level_access is off."
    if resource.name in _KEPT:
        if not any(block.get("enabled") is True for block in resource.blocks("versioning")):
            yield "an object that is overwritten is gone: it has no versions."
        if resource.value("force_destroy") is True:
            yield "it is destroyed with all that it holds."
        for rule in resource.blocks("lifecycle_rule"):
            yield from _lifecycle(rule, _KEPT[resource.name])


def _lifecycle(rule: dict[str, Any], may_go: set[str]) -> Iterator[str]:
    kind = rule["action"][0]["type"]
    condition = rule["condition"][0]
    if kind == "AbortIncompleteMultipartUpload":
        return
    prefixes = set(condition.get("matches_prefix", []))
    if kind != "Delete":
        yield f"a lifecycle rule does {kind} to live objects."
    elif prefixes and prefixes <= may_go:
        return
    elif condition.get("with_state") != "ARCHIVED" or not condition.get("days_since_noncurrent_time", 0) >= 7:
        yield f"a lifecycle rule can delete live objects: {condition}."


def _dataset(resource: Resource) -> Iterator[str]:
    for expiry in ("default_table_expiration_ms", "default_partition_expiration_ms"):
        if resource.body.get(expiry) is not None:
            yield f"its tables and views go by themselves: {expiry}."
    if resource.value("delete_contents_on_destroy") is True:
        yield "it is destroyed with all that it holds."
    if resource.blocks("access"):
        yield "it would take away what others have granted; use iam_member."


def _cluster(resource: Resource) -> Iterator[str]:
    for block in resource.blocks("cluster_config", "gce_cluster_config"):
        if block.get("internal_ip_only") is not True:
            yield "its machines have addresses outside."
    if resource.blocks("cluster_config", "autoscaling_config"):
        yield "autoscaling takes workers from a running stream."
    versions = [block.get("image_version") for block in resource.blocks("cluster_config", "software_config")]
    if versions != ["3.0"]:
        yield f"its image is {versions}; the jars are built for 3.0."


def _job(resource: Resource) -> Iterator[str]:
    if not all(1 <= block["max_failures_per_hour"] <= 10 for block in resource.blocks("scheduling")) or not (
        resource.blocks("scheduling")
    ):
        yield "it ends for good when its driver dies: it may be restarted 1 to 10 times an hour."
    triggers = [name for block in resource.blocks("lifecycle") for name in block.get("replace_triggered_by", [])]
    for cluster in re.findall(r"google_dataproc_cluster\.\w+", str(resource.blocks("placement"))):
        if not any(str(trigger).strip("${}") == f"{cluster}.id" for trigger in triggers):
            yield f"it is not recreated with its cluster: replace_triggered_by lacks {cluster}.id."


def _member(resource: Resource) -> Iterator[str]:
    granted = [resource.body, resource.local.get("project_roles"), resource.local.get("of_every_machine")]
    for role in re.findall(r"roles/([\w.]+)", str(granted)):
        if role.startswith(_NARROW):
            yield f"roles/{role} is given for the whole project, not on what it is for."


def _custom_role(resource: Resource) -> Iterator[str]:
    for permission in resource.body["permissions"]:
        if permission not in _PERMISSIONS:
            yield f"{permission} is not in the list of what a machine needs."


_CHECKS: Final = {
    "google_compute_firewall": _firewall,
    "google_compute_instance": _instance,
    "google_compute_address": _address,
    "google_storage_bucket": _bucket,
    "google_bigquery_dataset": _dataset,
    "google_dataproc_cluster": _cluster,
    "google_dataproc_job": _job,
    "google_project_iam_member": _member,
    "google_project_iam_custom_role": _custom_role,
}


def _of_the_whole(configuration: Configuration) -> Iterator[str]:
    for file, text in configuration.literals():
        for role in re.findall(r"roles/[\w.]+", text):
            if role not in ROLES:
                yield f"{file.name}: {role} is not in the list of roles."
        for everybody in re.findall(r"allUsers|allAuthenticatedUsers", text):
            yield f"{file.name}: {everybody} are granted something."
    denied = [
        resource
        for resource in configuration.resources("google_compute_firewall")
        if resource.blocks("deny") and resource.value("source_ranges") == ["0.0.0.0/0"]
    ]
    if not denied:
        yield "no firewall rule refuses, and logs, what no other lets in."
