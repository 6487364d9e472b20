output "repository" {
  description = "Prefix of the images' names: HOST/PROJECT/REPOSITORY."
  value       = "${var.location}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.this.repository_id}"
}
