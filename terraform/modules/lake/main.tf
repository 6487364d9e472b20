# Buckets: the lake, with the stream's checkpoint, and others for what can be recreated: code, logs, the page, Spark's files.

terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
  }
}

resource "google_storage_bucket" "lake" {
  name                        = "${var.project}-${var.prefix}-lake"
  location                    = var.location
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.keep_data

  # An object that is overwritten or deleted by mistake can be restored.
  versioning {
    enabled = true
  }

  # A lifecycle never deletes live objects: only Delta's log knows which files are unreferenced, and VACUUM removes them.
  # The versions deleted here were replaced or deleted two weeks ago.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = 14
      with_state                 = "ARCHIVED"
    }
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 7
    }
  }

  # Older versions are kept anyway; soft delete as well would double the bytes of what maintenance rewrites.
  soft_delete_policy {
    retention_duration_seconds = 0
  }
}

resource "google_storage_bucket" "code" {
  name                        = "${var.project}-${var.prefix}-code"
  location                    = var.location
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.keep_data

  versioning {
    enabled = true
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = 30
      with_state                 = "ARCHIVED"
    }
  }

  # What Dagster's runs printed: deploy/dagster/dagster.yaml names the prefix.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age            = 30
      matches_prefix = ["dagster/"]
    }
  }
}

# Dataproc keeps the output of its jobs and Spark's event logs here; nothing in it is needed after a month.
resource "google_storage_bucket" "dataproc" {
  name                        = "${var.project}-${var.prefix}-dataproc"
  location                    = var.location
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age = 30
    }
  }
}

# The dashboard alone: who may look at it sees nothing else.
resource "google_storage_bucket" "page" {
  name                        = "${var.project}-${var.prefix}-page"
  location                    = var.location
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true
}
