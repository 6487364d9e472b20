locals {
  ssh = "gcloud compute ssh --project=${var.project} --zone=${var.zone} --tunnel-through-iap"
  iap = "gcloud compute start-iap-tunnel --project=${var.project} --zone=${var.zone}"
}

output "urls" {
  description = "Pages, and the command that opens the tunnel that each needs."
  value = {
    dagster = {
      url    = "http://127.0.0.1:3000"
      tunnel = "${local.iap} ${module.dagster_vm.name} ${local.ports.dagster} --local-host-port=127.0.0.1:3000"
    }
    dagster_viewer = {
      url    = "http://127.0.0.1:3001"
      tunnel = "${local.iap} ${module.dagster_vm.name} ${local.ports.dagster_viewer} --local-host-port=127.0.0.1:3001"
    }
    airflow = {
      url    = "http://127.0.0.1:8080"
      tunnel = "${local.iap} ${module.airflow_vm.name} ${local.ports.airflow} --local-host-port=127.0.0.1:8080"
    }
    topic_browser = {
      url    = "http://127.0.0.1:8088"
      tunnel = "${local.iap} ${module.kafka_vm.name} ${local.ports.topic_browser} --local-host-port=127.0.0.1:8088"
    }
    dashboard = {
      url    = var.page_url != "" ? var.page_url : "https://storage.cloud.google.com/${module.lake.page_bucket}/index.html"
      tunnel = null
    }
    stream = {
      url    = "https://console.cloud.google.com/dataproc/clusters/${module.dataproc.cluster}/jobs?project=${var.project}&region=${var.region}"
      tunnel = null
    }
    warehouse = {
      url    = "https://console.cloud.google.com/bigquery?project=${var.project}&ws=!1m4!1m3!3m2!1s${var.project}!2s${module.warehouse.datasets["marts"]}"
      tunnel = null
    }
    lake = {
      url    = "https://console.cloud.google.com/storage/browser/${module.lake.bucket}?project=${var.project}"
      tunnel = null
    }
  }
}

output "ssh" {
  description = "Commands that log in to the machines."
  value = {
    kafka   = "${local.ssh} ${module.kafka_vm.name}"
    dagster = "${local.ssh} ${module.dagster_vm.name}"
    airflow = "${local.ssh} ${module.airflow_vm.name}"
  }
}

output "images" {
  description = "Repository and tag of the images of deploy/."
  value       = { repository = module.images.repository, tag = var.release }
}

output "secrets" {
  description = "Names of the secrets that need a value."
  value       = module.secrets.names
}

output "lake_uri" {
  description = "Root of the lake."
  value       = local.lake_uri
}

output "code_uri" {
  description = "Folder of the code for Dataproc."
  value       = local.code
}

output "bootstrap" {
  description = "Kafka, from inside the network."
  value       = local.bootstrap
}

output "dataproc" {
  description = "Cluster and region of the streaming job."
  value       = { cluster = module.dataproc.cluster, region = var.region, job = module.dataproc.stream_job }
}

output "datasets" {
  description = "BigQuery's datasets, by layer."
  value       = module.warehouse.datasets
}

output "keep_data" {
  description = "Whether the stack is protected from being destroyed; make cloud-down reads this."
  value       = var.keep_data
}
