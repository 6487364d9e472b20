output "name" {
  description = "Name of the machine."
  value       = module.vm.name
}

output "address" {
  description = "Its private address."
  value       = google_compute_address.this.address
}
