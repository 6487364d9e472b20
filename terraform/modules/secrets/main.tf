# Secrets without values, and who may read which. Their values are added by hand (docs/cloud.md): a value that Terraform
# knows is in its state, readable for everyone who may read that.

terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
  }
}

locals {
  secrets = {
    dagster-postgres-password = { machine = "dagster", description = "Dagster's Postgres" }
    alert-url                 = { machine = "dagster", description = "Address of the webhook for alerts; a value is optional" }
    airflow-postgres-password = { machine = "airflow", description = "Airflow's Postgres" }
    airflow-fernet-key        = { machine = "airflow", description = "Encrypts connections in Airflow's database" }
    airflow-jwt-secret        = { machine = "airflow", description = "Signs requests between Airflow's components" }
    airflow-admin-password    = { machine = "airflow", description = "Login of Airflow's page" }
  }
}

resource "google_secret_manager_secret" "this" {
  for_each = local.secrets

  secret_id = "${var.prefix}-${each.key}"

  annotations = {
    description = each.value.description
  }

  replication {
    user_managed {
      replicas {
        location = var.location
      }
    }
  }
}

resource "google_secret_manager_secret_iam_member" "machine" {
  for_each = local.secrets

  secret_id = google_secret_manager_secret.this[each.key].id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${var.service_accounts[each.value.machine]}"
}
