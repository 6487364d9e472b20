# One dataset per layer, named by TICKETSIM_BIGQUERY_DATASET_PREFIX and dbt's schema. Tables are created by the loader and
# by dbt, which know their columns. The loader's temporary tables have their own expiry; one of the dataset would delete
# raw.events and dbt's views too.

terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
  }
}

locals {
  datasets = {
    raw       = "The lake's complete hours, row by row"
    staging   = "dbt's views of raw, one per event type"
    marts     = "Facts, dimensions and figures per hour"
    published = "What readers see: views of raw and marts without the hours that a run is replacing"
  }
}

resource "google_bigquery_dataset" "layer" {
  for_each = local.datasets

  dataset_id                 = "${replace(var.prefix, "-", "_")}_${each.key}"
  description                = each.value
  location                   = var.location
  max_time_travel_hours      = "168"
  delete_contents_on_destroy = !var.keep_data
}

resource "google_bigquery_dataset_iam_member" "dagster" {
  for_each = google_bigquery_dataset.layer

  dataset_id = each.value.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = "serviceAccount:${var.dagster_account}"
}
