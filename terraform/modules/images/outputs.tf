output "repository" {
  description = "What stands before an image's name: HOST/PROJECT/REPOSITORY."
  value       = "${var.location}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.this.repository_id}"
}
