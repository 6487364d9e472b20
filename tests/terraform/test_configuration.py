"""``terraform/`` is what the provider knows and the policy allows; what is planted against either is found."""

import re
from pathlib import Path

import pytest
import yaml
from stack.configuration import ROOT, Configuration
from stack.formatting import complaints
from stack.policy import ROLES, policy_errors
from stack.provider_schema import schema, schema_errors


def test_every_resource_block_and_argument_is_known_to_the_provider(stack):
    assert len(stack.resources()) > 25
    assert schema_errors(stack) == []


def test_nothing_is_public_and_no_role_is_broader_than_its_list(stack):
    assert policy_errors(stack) == []


def test_the_list_of_roles_holds_no_role_that_nobody_has(stack):
    given = {role for _, text in stack.literals() for role in re.findall(r"roles/[\w.]+", text)}
    assert given == set(ROLES)


def test_the_schema_is_of_the_version_that_is_pinned(stack):
    (pin,) = [
        parsed["terraform"][0]["required_providers"][0]["google"]["version"]
        for file, parsed in stack.files.items()
        if file.name == "versions.tf"
    ]
    assert schema()["provider"].startswith(pin.removeprefix("~> ") + ".")


def test_the_schema_holds_the_resource_types_that_are_used_and_no_other(stack):
    assert schema()["resources"].keys() == {resource.type for resource in stack.resources()}


#: file, what stands there, what is planted instead, what the schema check says
UNKNOWN_TO_THE_PROVIDER = {
    "a typo in an argument": (
        "modules/network/main.tf",
        "auto_create_subnetworks",
        "auto_create_subnetwork",
        "no argument auto_create_subnetwork",
    ),
    "a typo deep in a block": (
        "modules/lake/main.tf",
        "days_since_noncurrent_time",
        "days_since_noncurrent",
        "no argument lifecycle_rule.condition.days_since_noncurrent",
    ),
    "a typo in a dynamic block": (
        "modules/dataproc/main.tf",
        "num_instances = worker_config.value",
        "instances = worker_config.value",
        "no argument cluster_config.worker_config.instances",
    ),
    "a typo in a block": ("modules/vm/main.tf", "boot_disk {", "boot_disc {", "no block boot_disc"),
    "a missing argument": (
        "modules/network/main.tf",
        "  network = google_compute_network.this.id\n",
        "",
        "required argument network is missing",
    ),
    "a missing argument of a block": (
        "modules/dataproc/main.tf",
        "max_failures_total    = 240",
        "",
        "required argument scheduling.max_failures_total is missing",
    ),
    "a missing block": (
        "modules/secrets/main.tf",
        "  replication {\n    user_managed {\n      replicas {\n        location = var.location\n      }\n    }\n  }\n",
        "",
        "required block replication is missing",
    ),
    "a computed argument": (
        "modules/images/main.tf",
        'format        = "DOCKER"',
        'format        = "DOCKER"\n  create_time   = "now"',
        "create_time is computed",
    ),
    "a number that is a list": (
        "modules/lake/main.tf",
        "age = 7",
        "age = [7]",
        "lifecycle_rule.condition.age is a number",
    ),
    "a block as an argument": (
        "modules/lake/main.tf",
        "versioning {\n    enabled = true\n  }",
        "versioning = true",
        "no argument versioning, it is a block",
    ),
    "a resource type": (
        "services.tf",
        '"google_project_service"',
        '"google_project_services"',
        "resource type google_project_services is not in google.json",
    ),
}


@pytest.mark.parametrize(("file", "old", "new", "error"), UNKNOWN_TO_THE_PROVIDER.values(), ids=UNKNOWN_TO_THE_PROVIDER)
def test_what_the_provider_does_not_know_is_found(copy, file, old, new, error):
    plant(copy / file, old, new)
    found = schema_errors(Configuration.read(copy))
    assert any(error in sentence for sentence in found), found


AGAINST_THE_POLICY = {
    "a firewall open to the world": (
        "modules/network/firewall.tf",
        "source_ranges           = [local.iap_range]",
        'source_ranges           = ["0.0.0.0/0"]',
        "it lets 0.0.0.0/0 in",
    ),
    "a firewall opened by a local": (
        "modules/network/firewall.tf",
        'iap_range = "35.235.240.0/20"',
        'iap_range = "0.0.0.0/0"',
        "it lets 0.0.0.0/0 in",
    ),
    "a firewall without a source": (
        "modules/network/firewall.tf",
        'source_service_accounts = [var.service_accounts["airflow"]]',
        "",
        "it names no source",
    ),
    "a firewall for all machines": (
        "modules/network/firewall.tf",
        "target_service_accounts = values(var.service_accounts)",
        "",
        "it holds for all machines",
    ),
    "nothing refused": (
        "modules/network/firewall.tf",
        'source_ranges = ["0.0.0.0/0"]',
        'source_ranges = ["10.0.0.0/8"]',
        "no firewall rule refuses",
    ),
    "an address outside": (
        "modules/vm/main.tf",
        "network_ip = var.address\n",
        "network_ip = var.address\n    access_config {}\n",
        "it has an address outside",
    ),
    "a reserved address outside": (
        "modules/kafka_vm/main.tf",
        'address_type = "INTERNAL"',
        'address_type = "EXTERNAL"',
        "it is an address outside",
    ),
    "a cluster with addresses outside": (
        "modules/dataproc/main.tf",
        "internal_ip_only       = true",
        "internal_ip_only       = false",
        "its machines have addresses outside",
    ),
    "the default account": (
        "modules/vm/main.tf",
        "service_account {",
        "scratch_disk {",
        "Compute Engine's default account",
    ),
    "a machine open to the project's keys": (
        "modules/vm/main.tf",
        'block-project-ssh-keys = "true"',
        'block-project-ssh-keys = "false"',
        "keys of the project open it",
    ),
    "a bucket that can be made public": (
        "modules/lake/main.tf",
        'public_access_prevention    = "enforced"',
        'public_access_prevention    = "inherited"',
        "it can be made public",
    ),
    "a bucket open to the world": (
        "modules/lake/access.tf",
        '"serviceAccount:${var.service_accounts[each.value.machine]}"',
        '"allUsers"',
        "allUsers are granted something",
    ),
    "objects with rights of their own": (
        "modules/lake/main.tf",
        "uniform_bucket_level_access = true",
        "uniform_bucket_level_access = false",
        "single objects can be made public",
    ),
    "a broad role": (
        "modules/identities/main.tf",
        'dagster = ["roles/bigquery.jobUser"]',
        'dagster = ["roles/editor"]',
        "roles/editor is not in the list",
    ),
    "a broad role on a dataset": (
        "modules/warehouse/main.tf",
        "roles/bigquery.dataEditor",
        "roles/bigquery.admin",
        "roles/bigquery.admin is not in the list",
    ),
    "a role for the whole project": (
        "modules/identities/main.tf",
        'dagster = ["roles/bigquery.jobUser"]',
        'dagster = ["roles/bigquery.jobUser", "roles/storage.objectUser"]',
        "roles/storage.objectUser is given for the whole project",
    ),
    "a permission too many": (
        "modules/identities/main.tf",
        '"dataproc.clusters.get",',
        '"dataproc.clusters.delete",',
        "dataproc.clusters.delete is not in the list",
    ),
    "a policy instead of a member": (
        "modules/images/main.tf",
        "google_artifact_registry_repository_iam_member",
        "google_artifact_registry_repository_iam_binding",
        "it would take away",
    ),
    "a secret's value": (
        "modules/secrets/main.tf",
        'resource "google_secret_manager_secret_iam_member"',
        'resource "google_secret_manager_secret_version"',
        "would be in Terraform's state",
    ),
    "a lifecycle by age": (
        "modules/lake/main.tf",
        'days_since_noncurrent_time = 14\n      with_state                 = "ARCHIVED"',
        "age = 90",
        "a lifecycle rule can delete live objects",
    ),
    "a lifecycle of the checkpoint": (
        "modules/lake/main.tf",
        'days_since_noncurrent_time = 14\n      with_state                 = "ARCHIVED"',
        'age = 90\n      matches_prefix = ["checkpoint/"]',
        "a lifecycle rule can delete live objects",
    ),
    "a lifecycle of all code": (
        "modules/lake/main.tf",
        'matches_prefix = ["dagster/"]',
        "",
        "a lifecycle rule can delete live objects",
    ),
    "live objects moved to cold storage": (
        "modules/lake/main.tf",
        'type = "AbortIncompleteMultipartUpload"',
        'type = "SetStorageClass"',
        "does SetStorageClass to live objects",
    ),
    "a lake without versions": ("modules/lake/main.tf", "enabled = true", "enabled = false", "it has no versions"),
    "a lake that goes with the stack": (
        "modules/lake/main.tf",
        "force_destroy               = !var.keep_data",
        "force_destroy               = true",
        "it is destroyed with all that it holds",
    ),
    "tables that expire": (
        "modules/warehouse/main.tf",
        '  max_time_travel_hours      = "168"',
        "  default_table_expiration_ms = 3600000",
        "its tables and views go by themselves",
    ),
    "a warehouse that goes with the stack": (
        "modules/warehouse/main.tf",
        "delete_contents_on_destroy = !var.keep_data",
        "delete_contents_on_destroy = true",
        "it is destroyed with all that it holds",
    ),
    "a cluster that shrinks": (
        "modules/dataproc/main.tf",
        "    software_config {",
        '    autoscaling_config {\n      policy_uri = "shrink"\n    }\n\n    software_config {',
        "autoscaling takes workers",
    ),
    "another image": ("modules/dataproc/main.tf", 'image_version = "3.0"', 'image_version = "2.2"', "built for 3.0"),
    "a job that stays away when its cluster is recreated": (
        "modules/dataproc/main.tf",
        "replace_triggered_by = [google_dataproc_cluster.this.id]",
        "replace_triggered_by = [google_dataproc_cluster.this.name]",
        "it is not recreated with its cluster",
    ),
    "a job that is not restarted": (
        "modules/dataproc/main.tf",
        "max_failures_per_hour = 6",
        "max_failures_per_hour = 0",
        "it ends for good",
    ),
}


@pytest.mark.parametrize(("file", "old", "new", "error"), AGAINST_THE_POLICY.values(), ids=AGAINST_THE_POLICY)
def test_what_is_against_the_policy_is_found(copy, file, old, new, error):
    plant(copy / file, old, new)
    found = policy_errors(Configuration.read(copy))
    assert any(error in sentence for sentence in found), found


FILES = [
    path
    for path in (ROOT / "terraform").rglob("*")
    if path.suffix in {".tf", ".hcl"}
    and ".terraform" not in path.parts
    and not path.name.startswith(("backend", ".terraform"))
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_are_formatted_as_terraform_would_whether_it_is_here_or_not(path):
    assert list(complaints(path.read_text())) == []


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("  project          = var.project\n", "    project          = var.project\n", "indented otherwise than by 2"),
        ("  project          = var.project\n", "  project = var.project\n", "is not aligned"),
        ("  settings = merge(", "  settings   = merge(", "not one blank behind the name"),
        ("  depends_on = [google_project_service.used]\n", "  depends_on = [google_project_service.used] \n", "blanks"),
        ("    trigger                 = var.trigger\n", "\ttrigger                 = var.trigger\n", "a tab"),
    ],
)
def test_what_terraform_would_format_otherwise_is_found(old, new, complaint):
    text = (ROOT / "terraform/main.tf").read_text()
    assert old in text
    assert any(complaint in found for found in complaints(text.replace(old, new, 1)))


def test_datasets_are_named_as_dbt_names_its_schemas(stack):
    (dataset,) = stack.resources("google_bigquery_dataset")
    models = yaml.safe_load((ROOT / "dbt/dbt_project.yml").read_text())["models"]["ticketsim"]
    layers = [layer for name, layer in models.items() if not name.startswith("+")]
    # An ephemeral layer is part of other models' SQL, and has no dataset.
    schemas = {layer["+schema"] for layer in layers if layer.get("+materialized") != "ephemeral"}
    # Neither the loader's tables nor the views of readers are dbt's.
    assert {"raw", *schemas, "published"} == dataset.local["datasets"].keys()


@pytest.mark.parametrize("machine", ["kafka", "dagster", "airflow"])
def test_a_machine_is_given_every_setting_that_its_containers_must_have(stack, machine):
    folders = ["kafka", "simulator"] if machine == "kafka" else [machine]
    wanted = {
        name
        for folder in folders
        for name in re.findall(r"\$\{TICKETSIM_(\w+):\?", (ROOT / "deploy" / folder / "compose.yaml").read_text())
    } - {"SECRETS"}  # a folder of the machine's own
    assert wanted <= settings_of(stack, machine)


@pytest.mark.parametrize("machine", ["kafka", "dagster", "airflow"])
def test_the_firewall_lets_through_the_ports_that_are_published(stack, machine):
    services = yaml.safe_load((ROOT / "deploy" / machine / "compose.yaml").read_text())["services"]
    published = {port.split(":")[0] for service in services.values() for port in service.get("ports", [])}
    (pages,) = [rule for rule in stack.resources("google_compute_firewall") if rule.name == "pages"]
    (ports,) = [
        block["ports"] for parsed in stack.files.values() for block in parsed.get("locals", []) if "ports" in block
    ]
    open_ports = re.findall(r"var\.ports\.(\w+)", str(pages.body["for_each"][machine]))
    open_ports += ["kafka"] if machine == "kafka" else []
    assert {str(ports[name]) for name in open_ports} == published


@pytest.mark.parametrize("machines", ["kafka_vm", "dagster_vm", "airflow_vm", "dataproc"])
def test_the_way_out_is_there_before_the_machines_that_need_it(stack, machines):
    """A subnet alone has no NAT: what is installed at the first boot could not be had."""
    assert "${module.network}" in stack.modules()[machines]["depends_on"]


def test_who_may_open_a_tunnel_may_ask_for_the_machine_at_its_end(stack):
    """`gcloud compute start-iap-tunnel` reads the machine first, and ends if it may not."""
    members = stack.modules()["dagster_vm"]["viewers"]
    assert members == stack.modules()["identities"]["viewers"]["members"] == "${var.viewers}"
    (seen,) = stack.resources("google_compute_instance_iam_member")
    assert seen.file.parent.name == "dagster_vm"
    assert (seen.body["for_each"], seen.body["member"]) == ("${toset(var.viewers)}", "${each.value}")
    assert seen.body["role"] == "roles/compute.viewer"


@pytest.mark.parametrize("machine", ["dagster", "airflow"])
def test_a_machine_may_read_the_secrets_that_it_fetches(stack, machine):
    (secret,) = stack.resources("google_secret_manager_secret")
    script = (ROOT / "deploy" / machine / "startup.sh").read_text()
    fetched = set(re.findall(r"^ +fetch_secret ([a-z-]+)", script, re.MULTILINE))
    assert fetched
    assert fetched == {name for name, about in secret.local["secrets"].items() if about["machine"] == machine}


def settings_of(stack: Configuration, machine: str) -> set[str]:
    """Return the settings in the machine's metadata, named as environment variables without TICKETSIM_."""
    of_every_machine = next(
        block["of_every_machine"]
        for parsed in stack.files.values()
        for block in parsed.get("locals", [])
        if "of_every_machine" in block and "prefix" in block["of_every_machine"]
    )
    calls = [str(stack.modules()[f"{machine}_vm"]["settings"])]
    calls += [
        str(parsed["module"])
        for file, parsed in stack.files.items()
        if file.parent.name == f"{machine}_vm" and "module" in parsed
    ]
    own = [name for call in calls for name in re.findall(r"[{,] ?\"?([a-z][a-z-]*)\"? = ", call)]
    return {name.replace("-", "_").upper() for name in [*of_every_machine, *own]}


def plant(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
