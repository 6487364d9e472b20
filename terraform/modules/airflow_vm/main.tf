# Airflow and its Postgres.

module "vm" {
  source = "../vm"

  name            = "${var.prefix}-airflow"
  description     = "Airflow, which triggers Dagster once an hour"
  region          = var.region
  zone            = var.zone
  machine_type    = var.machine_type
  data_disk_gb    = var.data_disk_gb
  subnetwork      = var.subnetwork
  service_account = var.service_account
  settings        = var.settings
  startup_script  = "airflow/startup.sh"
  keep            = var.keep
}
