# Dagster: web server, daemon, code location and their Postgres, whose data is on the data disk.

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
