locals {
  # What the jobs import beside Spark. deploy/dataproc names it, constraints.txt has the versions; where that has two of a
  # package, the second is for Python 3.12, which is the cluster's.
  packages = {
    for name in split("\n", file("${path.module}/../deploy/dataproc/requirements.txt")) :
    name => reverse(regexall("(?m)^${name}==([^ ;\n]+)", file("${path.module}/../constraints.txt")))[0][0]
    if name != "" && !startswith(name, "#")
  }

  release = var.streaming ? jsondecode(file("${path.root}/${var.stream_job}")) : null

  stream = var.streaming ? {
    main         = "${local.code}/stream.py"
    python_files = ["${local.code}/ticketsim.zip"]
    jars         = [for jar in local.release.jars : "${local.code}/jars/${jar}"]
    arguments    = ["--bootstrap", local.bootstrap, "--lake", local.lake_uri, "--checkpoint", "${local.lake_uri}/checkpoint"]
    properties   = local.release.properties
  } : null
}

module "dataproc" {
  source = "./modules/dataproc"

  prefix          = local.prefix
  region          = var.region
  zone            = var.zone
  subnetwork      = module.network.subnetwork
  service_account = module.identities.emails["dataproc"]
  bucket          = module.lake.dataproc_bucket
  master_type     = var.machine_types.dataproc_master
  worker_type     = var.machine_types.dataproc_worker
  workers         = var.dataproc_workers
  packages        = local.packages
  stream          = local.stream

  # A cluster is made by machines that already have their rights, or not at all.
  depends_on = [module.identities, module.lake]
}
