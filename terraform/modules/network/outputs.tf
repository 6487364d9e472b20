output "subnetwork" {
  description = "The subnet's id."
  value       = google_compute_subnetwork.this.id
}
