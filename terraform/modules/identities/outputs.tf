output "emails" {
  description = "Addresses of the service accounts, by machine: kafka, dataproc, dagster, airflow."
  value       = { for machine, account in google_service_account.machine : machine => account.email }
}
