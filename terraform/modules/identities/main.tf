# One service account per machine, each with the roles that its work needs and no other. Rights on a bucket, a dataset or a
# secret are given where that is made, on it alone; what is here holds for the whole project.

terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
  }
}

locals {
  machines = {
    kafka    = "The broker, its topic browser and the simulator"
    dataproc = "The streaming job, and maintenance of the lake"
    dagster  = "Loads, dbt and checks"
    airflow  = "Triggers Dagster once an hour"
  }

  of_every_machine = ["roles/logging.logWriter", "roles/monitoring.metricWriter"]

  project_roles = {
    kafka = []
    # What Dataproc's own agents need on the cluster's machines: https://cloud.google.com/dataproc/docs/concepts/iam/iam
    dataproc = ["roles/dataproc.worker"]
    # To run queries and load jobs; the datasets grant access to data.
    dagster = ["roles/bigquery.jobUser"]
    airflow = []
  }

  grants = merge([
    for machine, roles in local.project_roles : {
      for role in concat(local.of_every_machine, roles) : "${machine} ${role}" => { machine = machine, role = role }
    }
  ]...)
}

resource "google_service_account" "machine" {
  for_each = local.machines

  account_id   = "${var.prefix}-${each.key}"
  display_name = "Ticketsim ${each.key}"
  description  = each.value
}

resource "google_project_iam_member" "machine" {
  for_each = local.grants

  project = var.project
  role    = each.value.role
  member  = google_service_account.machine[each.value.machine].member
}

# roles/dataproc.editor could delete the cluster that the stream runs on.
resource "google_project_iam_custom_role" "job_submitter" {
  role_id     = "${replace(var.prefix, "-", "_")}_job_submitter"
  title       = "Ticketsim job submitter"
  description = "Submits jobs to a Dataproc cluster, follows and cancels them"
  permissions = [
    "dataproc.clusters.get",
    "dataproc.clusters.use",
    "dataproc.jobs.cancel",
    "dataproc.jobs.create",
    "dataproc.jobs.get",
    "dataproc.jobs.list",
  ]
}

resource "google_project_iam_member" "dagster_submits_jobs" {
  project = var.project
  role    = google_project_iam_custom_role.job_submitter.name
  member  = google_service_account.machine["dagster"].member
}

resource "google_project_iam_member" "operators" {
  for_each = {
    for pair in setproduct(var.operators, ["roles/iap.tunnelResourceAccessor", "roles/compute.osAdminLogin"]) :
    join(" ", pair) => { member = pair[0], role = pair[1] }
  }

  project = var.project
  role    = each.value.role
  member  = each.value.member
}

resource "google_project_iam_member" "viewers" {
  for_each = toset(var.viewers.members)

  project = var.project
  role    = "roles/iap.tunnelResourceAccessor"
  member  = each.value

  condition {
    title       = "Dagster's read-only page"
    description = "Tunnels to this port alone"
    expression  = "destination.port == ${var.viewers.port}"
  }
}

# A user who logs in to a machine acts as its service account: Google requires this role in addition to the login.
resource "google_service_account_iam_member" "operators" {
  for_each = {
    for pair in setproduct(var.operators, keys(local.machines)) :
    join(" ", pair) => { member = pair[0], machine = pair[1] }
  }

  service_account_id = google_service_account.machine[each.value.machine].name
  role               = "roles/iam.serviceAccountUser"
  member             = each.value.member
}
