# A machine: no external address, its own identity, a data disk that outlives it, and a start-up script.

terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
  }
}

resource "google_compute_disk" "data" {
  name = "${var.name}-data"
  zone = var.zone
  type = "pd-balanced"
  size = var.data_disk_gb

  # A disk cannot shrink or move: a plan that wants it to deletes it. `make cloud-up` refuses that; this is for all others.
  create_snapshot_before_destroy = var.keep
}

resource "google_compute_resource_policy" "daily" {
  name        = "${var.name}-daily"
  region      = var.region
  description = "A snapshot of the data disk every night, kept for a week"

  snapshot_schedule_policy {
    schedule {
      daily_schedule {
        days_in_cycle = 1
        start_time    = "03:00"
      }
    }

    retention_policy {
      max_retention_days    = 7
      on_source_disk_delete = "APPLY_RETENTION_POLICY"
    }
  }
}

resource "google_compute_disk_resource_policy_attachment" "daily" {
  name = google_compute_resource_policy.daily.name
  disk = google_compute_disk.data.name
  zone = var.zone
}

resource "google_compute_instance" "this" {
  name                      = var.name
  description               = var.description
  zone                      = var.zone
  machine_type              = var.machine_type
  deletion_protection       = var.keep
  allow_stopping_for_update = true

  boot_disk {
    initialize_params {
      image = "debian-cloud/debian-13"
      type  = "pd-balanced"
      size  = 20
    }
  }

  attached_disk {
    source      = google_compute_disk.data.id
    device_name = "data"
  }

  network_interface {
    subnetwork = var.subnetwork
    network_ip = var.address
  }

  service_account {
    email = var.service_account
    # The roles of its account say what the machine may do; narrower scopes would be a second, coarser list.
    scopes = ["cloud-platform"]
  }

  metadata = merge(
    { for name, value in var.settings : "ticketsim-${name}" => value },
    {
      # Not metadata_startup_script, which recreates the machine when the script changes.
      startup-script         = join("\n", [for script in ["vm.sh", var.startup_script] : file("${path.module}/../../../deploy/${script}")])
      block-project-ssh-keys = "true"
      enable-oslogin         = "true"
      serial-port-enable     = "false"
    },
  )

  shielded_instance_config {
    enable_secure_boot          = true
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }

  lifecycle {
    # A newer Debian image does not recreate the machine: unattended upgrades patch it.
    ignore_changes = [boot_disk[0].initialize_params[0].image]
  }
}
