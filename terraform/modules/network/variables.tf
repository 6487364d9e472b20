variable "prefix" {
  description = "First part of every name."
  type        = string
}

variable "region" {
  description = "Region of subnet and router."
  type        = string
}

variable "subnet_range" {
  description = "Private addresses of the machines."
  type        = string
}

variable "service_accounts" {
  description = "Addresses of the service accounts, by machine: kafka, dataproc, dagster, airflow."
  type        = map(string)
}

variable "ports" {
  description = "Ports on which the machines listen."
  type = object({
    kafka          = number
    topic_browser  = number
    dagster        = number
    dagster_viewer = number
    airflow        = number
  })
}
