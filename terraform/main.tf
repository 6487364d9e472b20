# One module per concern. Data flows kafka -> dataproc -> lake -> warehouse; dagster orchestrates, airflow triggers dagster.

locals {
  prefix = "ticketsim"

  # Ports of deploy/: the firewall only allows these, and only from the sources in network/firewall.tf.
  ports = {
    kafka          = 9092
    topic_browser  = 8088
    dagster        = 3000
    dagster_viewer = 3001
    airflow        = 8080
  }

  bootstrap = "${module.kafka_vm.address}:${local.ports.kafka}"
  lake_uri  = "gs://${module.lake.bucket}/lake"
  code      = "gs://${module.lake.code_bucket}/${var.release}"

  # The start-up scripts read these from the machine's metadata, attribute ticketsim-lake-uri, and hand them to Compose as
  # TICKETSIM_LAKE_URI. The compose.yaml of each machine in deploy/ says which ones it needs.
  of_every_machine = {
    prefix  = local.prefix
    images  = module.images.repository
    release = var.release
  }
}

module "network" {
  source = "./modules/network"

  prefix           = local.prefix
  region           = var.region
  subnet_range     = var.subnet_range
  service_accounts = module.identities.emails
  ports            = local.ports

  depends_on = [google_project_service.used]
}

module "identities" {
  source = "./modules/identities"

  project   = var.project
  prefix    = local.prefix
  operators = var.operators
  viewers   = { members = var.viewers, port = local.ports.dagster_viewer }

  depends_on = [google_project_service.used]
}

module "lake" {
  source = "./modules/lake"

  project          = var.project
  prefix           = local.prefix
  location         = var.region
  service_accounts = module.identities.emails
  readers_of_page  = concat(var.operators, var.viewers)
  keep_data        = var.keep_data

  depends_on = [google_project_service.used]
}

module "warehouse" {
  source = "./modules/warehouse"

  prefix          = local.prefix
  location        = var.region
  dagster_account = module.identities.emails["dagster"]
  keep_data       = var.keep_data

  depends_on = [google_project_service.used]
}

module "secrets" {
  source = "./modules/secrets"

  prefix           = local.prefix
  location         = var.region
  service_accounts = module.identities.emails

  depends_on = [google_project_service.used]
}

module "images" {
  source = "./modules/images"

  project          = var.project
  prefix           = local.prefix
  location         = var.region
  service_accounts = module.identities.emails

  depends_on = [google_project_service.used]
}

module "kafka_vm" {
  source = "./modules/kafka_vm"

  prefix          = local.prefix
  region          = var.region
  zone            = var.zone
  machine_type    = var.machine_types.kafka
  data_disk_gb    = var.kafka_disk_gb
  subnetwork      = module.network.subnetwork
  service_account = module.identities.emails["kafka"]
  keep            = var.keep_data

  settings = merge(local.of_every_machine, {
    scenario   = var.simulation.scenario
    seed       = tostring(var.simulation.seed)
    venues     = tostring(var.simulation.venues)
    partitions = tostring(var.kafka_partitions)
  })

  # The way out, by which the machine gets Docker at its first boot.
  depends_on = [module.network]
}

module "dagster_vm" {
  source = "./modules/dagster_vm"

  prefix          = local.prefix
  region          = var.region
  zone            = var.zone
  machine_type    = var.machine_types.dagster
  data_disk_gb    = 20
  subnetwork      = module.network.subnetwork
  service_account = module.identities.emails["dagster"]
  viewers         = var.viewers
  keep            = var.keep_data

  settings = merge(local.of_every_machine, var.tuning, {
    bootstrap               = local.bootstrap
    lake-uri                = local.lake_uri
    first-hour              = var.first_hour
    trigger                 = var.trigger
    page-url                = var.page_url
    page-object             = "gs://${module.lake.page_bucket}/index.html"
    warehouse               = "bigquery"
    bigquery-project        = var.project
    bigquery-location       = var.region
    bigquery-dataset-prefix = module.warehouse.dataset_prefix
    spark                   = "dataproc"
    dataproc-project        = var.project
    dataproc-region         = var.region
    dataproc-cluster        = module.dataproc.cluster
    dataproc-code           = local.code
    logs-bucket             = module.lake.code_bucket
    backup-uri              = "gs://${module.lake.code_bucket}/backups"
  })

  # The way out, by which the machine gets Docker at its first boot.
  depends_on = [module.network]
}

module "airflow_vm" {
  source = "./modules/airflow_vm"

  prefix          = local.prefix
  region          = var.region
  zone            = var.zone
  machine_type    = var.machine_types.airflow
  data_disk_gb    = 20
  subnetwork      = module.network.subnetwork
  service_account = module.identities.emails["airflow"]
  keep            = var.keep_data

  settings = merge(local.of_every_machine, {
    dagster-url = "http://${module.dagster_vm.address}:${local.ports.dagster}"
  })

  # The way out, by which the machine gets Docker at its first boot.
  depends_on = [module.network]
}
