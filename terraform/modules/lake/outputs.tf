output "bucket" {
  description = "Name of the lake's bucket."
  value       = google_storage_bucket.lake.name
}

output "code_bucket" {
  description = "Name of the bucket of code, logs and dumps."
  value       = google_storage_bucket.code.name
}

output "page_bucket" {
  description = "Name of the bucket of the dashboard."
  value       = google_storage_bucket.page.name
}

output "dataproc_bucket" {
  description = "Name of the bucket for Dataproc's own files."
  value       = google_storage_bucket.dataproc.name
}
