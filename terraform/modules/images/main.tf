# The registry of the images that deploy/ describes; machines pull from it over Google's own network.

terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
  }
}

resource "google_artifact_registry_repository" "this" {
  repository_id = var.prefix
  location      = var.location
  format        = "DOCKER"
  description   = "Images of Ticketsim's machines"

  docker_config {
    # A tag always names the same image: what was tested is what runs.
    immutable_tags = true
  }
}

resource "google_artifact_registry_repository_iam_member" "machine" {
  for_each = toset(["kafka", "dagster", "airflow"])

  repository = google_artifact_registry_repository.this.name
  location   = var.location
  role       = "roles/artifactregistry.reader"
  member     = "serviceAccount:${var.service_accounts[each.key]}"
}
