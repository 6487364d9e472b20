output "names" {
  description = "Names of the secrets; each needs a version before its machine starts."
  value       = sort([for secret in google_secret_manager_secret.this : secret.secret_id])
}
