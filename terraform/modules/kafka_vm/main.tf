# Kafka and its producer. The data disk holds the topics; the address stays the same when the machine is recreated.

terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
  }
}

# Kafka advertises this address to its clients, so it is reserved before the machine, and outlives it.
resource "google_compute_address" "this" {
  name         = "${var.prefix}-kafka"
  region       = var.region
  address_type = "INTERNAL"
  subnetwork   = var.subnetwork
}

module "vm" {
  source = "../vm"

  name            = "${var.prefix}-kafka"
  description     = "Kafka, a browser for its topics, and the simulator"
  region          = var.region
  zone            = var.zone
  machine_type    = var.machine_type
  data_disk_gb    = var.data_disk_gb
  subnetwork      = var.subnetwork
  service_account = var.service_account
  address         = google_compute_address.this.address
  settings        = merge(var.settings, { kafka-address = google_compute_address.this.address })
  startup_script  = "kafka/startup.sh"
  keep            = var.keep
}
