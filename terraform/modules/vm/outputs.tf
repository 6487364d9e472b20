output "name" {
  description = "Name of the machine."
  value       = google_compute_instance.this.name
}

output "address" {
  description = "Its private address."
  value       = google_compute_instance.this.network_interface[0].network_ip
}
