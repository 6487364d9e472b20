output "cluster" {
  description = "Name of the cluster."
  value       = google_dataproc_cluster.this.name
}

output "stream_job" {
  description = "Id of the streaming job; null if there is none."
  value       = one(google_dataproc_job.stream[*].id)
}
