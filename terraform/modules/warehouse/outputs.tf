output "dataset_prefix" {
  description = "Prefix of raw, staging, marts and published in the datasets' names."
  value       = "${replace(var.prefix, "-", "_")}_"
}

output "datasets" {
  description = "Ids of the datasets, by layer."
  value       = { for layer, dataset in google_bigquery_dataset.layer : layer => dataset.dataset_id }
}
