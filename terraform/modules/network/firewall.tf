# Rules name machines by their service accounts: a machine cannot give itself the identity of another, as it could a tag.

locals {
  # The source range of Identity-Aware Proxy's tunnels: https://cloud.google.com/iap/docs/using-tcp-forwarding
  iap_range = "35.235.240.0/20"
}

resource "google_compute_firewall" "deny_the_rest" {
  name        = "${var.prefix}-deny-the-rest"
  description = "Denies and logs what no other rule allows"
  network     = google_compute_network.this.id
  direction   = "INGRESS"
  priority    = 65534

  deny {
    protocol = "all"
  }

  source_ranges = ["0.0.0.0/0"]

  log_config {
    metadata = "INCLUDE_ALL_METADATA"
  }
}

resource "google_compute_firewall" "tunnels" {
  name        = "${var.prefix}-tunnels"
  description = "Operators' ssh, through Identity-Aware Proxy"
  network     = google_compute_network.this.id
  direction   = "INGRESS"

  allow {
    protocol = "tcp"
    ports    = ["22"]
  }

  source_ranges           = [local.iap_range]
  target_service_accounts = values(var.service_accounts)
}

resource "google_compute_firewall" "pages" {
  for_each = {
    kafka   = [var.ports.topic_browser]
    dagster = [var.ports.dagster, var.ports.dagster_viewer]
    airflow = [var.ports.airflow]
  }

  name        = "${var.prefix}-page-${each.key}"
  description = "Operators' browsers, through Identity-Aware Proxy"
  network     = google_compute_network.this.id
  direction   = "INGRESS"

  allow {
    protocol = "tcp"
    ports    = each.value
  }

  source_ranges           = [local.iap_range]
  target_service_accounts = [var.service_accounts[each.key]]
}

resource "google_compute_firewall" "kafka" {
  name        = "${var.prefix}-kafka"
  description = "The stream reads; Dagster compares offsets"
  network     = google_compute_network.this.id
  direction   = "INGRESS"

  allow {
    protocol = "tcp"
    ports    = [tostring(var.ports.kafka)]
  }

  source_service_accounts = [var.service_accounts["dataproc"], var.service_accounts["dagster"]]
  target_service_accounts = [var.service_accounts["kafka"]]
}

resource "google_compute_firewall" "graphql" {
  name        = "${var.prefix}-graphql"
  description = "Airflow calls Dagster; its web server has no login, so no other source is allowed"
  network     = google_compute_network.this.id
  direction   = "INGRESS"

  allow {
    protocol = "tcp"
    ports    = [tostring(var.ports.dagster)]
  }

  source_service_accounts = [var.service_accounts["airflow"]]
  target_service_accounts = [var.service_accounts["dagster"]]
}

resource "google_compute_firewall" "dataproc" {
  name        = "${var.prefix}-dataproc"
  description = "The cluster's machines among themselves, on all ports, as Dataproc requires"
  network     = google_compute_network.this.id
  direction   = "INGRESS"

  allow {
    protocol = "tcp"
  }

  allow {
    protocol = "udp"
  }

  allow {
    protocol = "icmp"
  }

  source_service_accounts = [var.service_accounts["dataproc"]]
  target_service_accounts = [var.service_accounts["dataproc"]]
}
