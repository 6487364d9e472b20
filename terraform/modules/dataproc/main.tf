# Spark: the stream, which runs without end, and maintenance of the lake next to it.

terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
  }
}

resource "google_dataproc_cluster" "this" {
  name   = var.prefix
  region = var.region

  # No autoscaling_config: taking a worker from a stream stops its batch.
  cluster_config {
    staging_bucket = var.bucket
    temp_bucket    = var.bucket

    gce_cluster_config {
      zone                   = var.zone
      subnetwork             = var.subnetwork
      internal_ip_only       = true
      service_account        = var.service_account
      service_account_scopes = ["cloud-platform"]

      shielded_instance_config {
        enable_secure_boot          = true
        enable_vtpm                 = true
        enable_integrity_monitoring = true
      }

      metadata = {
        block-project-ssh-keys = "true"
        enable-oslogin         = "true"
      }
    }

    master_config {
      num_instances = 1
      machine_type  = var.master_type

      disk_config {
        boot_disk_type    = "pd-balanced"
        boot_disk_size_gb = 50
      }
    }

    dynamic "worker_config" {
      for_each = var.workers == 0 ? [] : [var.workers]

      content {
        num_instances = worker_config.value
        machine_type  = var.worker_type

        disk_config {
          boot_disk_type    = "pd-balanced"
          boot_disk_size_gb = 50
        }
      }
    }

    software_config {
      # Spark 4.1.2, Java 21, Scala 2.13: what streaming/spark/ivy.xml's jars are built for. Not its Delta component, which is 4.2.0
      # and dies at the log's first checkpoint; the jars come with each job.
      image_version = "3.0"

      override_properties = merge(
        {
          # The stream's driver runs here for weeks: its log goes to Cloud Logging and is rotated there.
          "dataproc:dataproc.logging.stackdriver.job.driver.enable" = "true"
          "dataproc:dataproc.logging.stackdriver.enable"            = "true"
          # The packages that streaming imports besides Spark, pinned by constraints.txt.
          "dataproc:pip.packages" = join(",", var.packages)
        },
        var.workers == 0 ? { "dataproc:dataproc.allow.zero.workers" = "true" } : {},
      )
    }
  }
}

# A new release of the code cancels the job and restarts it, from the checkpoint.
resource "google_dataproc_job" "stream" {
  count = var.stream == null ? 0 : 1

  region       = var.region
  force_delete = true

  placement {
    cluster_name = google_dataproc_cluster.this.name
  }

  # The driver restarts its query by itself; Dataproc restarts the driver, at most this often: a job that keeps failing at
  # once is reported as failed within the hour. 240 is the largest total that Dataproc accepts.
  scheduling {
    max_failures_per_hour = 6
    max_failures_total    = 240
  }

  pyspark_config {
    main_python_file_uri = var.stream.main
    python_file_uris     = var.stream.python_files
    jar_file_uris        = var.stream.jars
    args                 = var.stream.arguments
    properties           = var.stream.properties
  }

  lifecycle {
    # A cluster that is recreated has the same name, and no job.
    replace_triggered_by = [google_dataproc_cluster.this.id]
  }
}
