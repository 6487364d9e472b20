locals {
  # The packages that the jobs import besides Spark, one NAME==VERSION a line: `make lock` writes them from constraints.txt
  # for the cluster's Python; the release's job.json lists them too.
  packages = split("\n", trimspace(file("${path.module}/../deploy/dataproc/constraints.txt")))

  # Cores of all workers. Without workers the stream's default number of tasks fits the single machine.
  cores = var.dataproc_workers * tonumber(reverse(split("-", var.machine_types.dataproc_worker))[0])

  release = var.streaming ? jsondecode(file("${path.root}/${var.stream_job}")) : null

  stream = var.streaming ? {
    main         = "${local.code}/stream.py"
    python_files = ["${local.code}/ticketsim.zip"]
    jars         = [for jar in local.release.jars : "${local.code}/jars/${jar}"]
    arguments    = ["--bootstrap", local.bootstrap, "--lake", local.lake_uri, "--checkpoint", "${local.lake_uri}/checkpoint"]
    properties = merge(
      local.release.properties,
      local.cores == 0 ? {} : { "spark.default.parallelism" = tostring(local.cores) },
    )
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

  # The machines of a cluster need their permissions, and the way out to packages, before it is created.
  depends_on = [module.identities, module.lake, module.network]
}
