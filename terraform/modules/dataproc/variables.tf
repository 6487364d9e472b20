variable "prefix" {
  description = "Name of the cluster."
  type        = string
}

variable "region" {
  description = "Region of the cluster."
  type        = string
}

variable "zone" {
  description = "Zone of its machines."
  type        = string
}

variable "subnetwork" {
  description = "Id of its subnet."
  type        = string
}

variable "service_account" {
  description = "Address of its machines' service account."
  type        = string
}

variable "bucket" {
  description = "Name of the bucket for job output and Spark's event logs."
  type        = string
}

variable "master_type" {
  description = "Size of the master."
  type        = string
}

variable "worker_type" {
  description = "Size of a worker."
  type        = string
}

variable "workers" {
  description = "Number of workers; 0 for a single node."
  type        = number
}

variable "packages" {
  description = "Python packages of the jobs, each NAME==VERSION."
  type        = list(string)
}

variable "stream" {
  description = "The streaming job; null for none."
  type = object({
    main         = string
    python_files = list(string)
    jars         = list(string)
    arguments    = list(string)
    properties   = map(string)
  })
}
