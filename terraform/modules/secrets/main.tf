# Places for secrets, and who may read which. Their values are put in by hand (docs/cloud.md): a value that Terraform knows
# stands in its state, for everybody who may read that.

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
    alert-url                 = { machine = "dagster", description = "Where alerts are sent, a webhook's address; may stay without a value" }
    airflow-postgres-password = { machine = "airflow", description = "Airflow's Postgres" }
    airflow-fernet-key        = { machine = "airflow", description = "Encrypts connections in Airflow's database" }
    airflow-jwt-secret        = { machine = "airflow", description = "Signs what Airflow's parts say to each other" }
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
