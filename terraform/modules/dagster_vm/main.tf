# Dagster: web server, daemon, code location and their Postgres, whose data is on the data disk.

terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
  }
}

module "vm" {
  source = "../vm"

  name            = "${var.prefix}-dagster"
  description     = "Dagster with its Postgres"
  region          = var.region
  zone            = var.zone
  machine_type    = var.machine_type
  data_disk_gb    = var.data_disk_gb
  subnetwork      = var.subnetwork
  service_account = var.service_account
  settings        = var.settings
  startup_script  = "dagster/startup.sh"
  keep            = var.keep
}

# gcloud asks for the machine before it opens a tunnel to it; operators may by roles/compute.osAdminLogin.
resource "google_compute_instance_iam_member" "viewers" {
  for_each = toset(var.viewers)

  instance_name = module.vm.name
  zone          = var.zone
  role          = "roles/compute.viewer"
  member        = each.value
}
