terraform {
  required_version = ">= 1.11.0, < 2.0.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }

  # The bucket of the state is given at `init`: -backend-config="bucket=..." (docs/cloud.md).
  backend "gcs" {
    prefix = "ticketsim"
  }
}

provider "google" {
  project = var.project
  region  = var.region
  zone    = var.zone

  default_labels = {
    application = "ticketsim"
  }
}
