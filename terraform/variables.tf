variable "project" {
  description = "Id of the Google Cloud project that contains everything."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "Invalid project id; expected 6 to 30 lower case letters, digits and dashes, starting with a letter. Give the id, not the name or number."
  }
}

variable "region" {
  description = "Region of machines, buckets and datasets; one for all, because traffic between regions costs."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]{1,2}$", var.region))
    error_message = "Invalid region; expected one like europe-west1. europe-west1-b is a zone, EU a multi-region."
  }
}

variable "zone" {
  description = "Zone of the machines, in the region."
  type        = string
  default     = "europe-west1-b"

  validation {
    condition     = can(regex("^${var.region}-[a-z]$", var.zone))
    error_message = "Invalid zone; expected one in the region: the region's name, a dash and one letter."
  }
}

variable "subnet_range" {
  description = "Private addresses of the machines."
  type        = string
  default     = "10.40.0.0/24"

  validation {
    condition = (
      can(cidrnetmask(var.subnet_range)) &&
      can(regex("^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.)", var.subnet_range)) &&
      try(tonumber(split("/", var.subnet_range)[1]), 0) >= 16 && try(tonumber(split("/", var.subnet_range)[1]), 32) <= 28
    )
    error_message = "Invalid range; expected a private one (RFC 1918) of 16 to 28 bits, for example 10.40.0.0/24."
  }
}

variable "operators" {
  description = "Who may open tunnels to the machines and log in there: user:..., group:... or serviceAccount:..."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.operators : can(regex("^(user|group|serviceAccount):[^@]+@[^@]+$", member))])
    error_message = "Invalid operator; expected user:ADDRESS, group:ADDRESS or serviceAccount:ADDRESS. allUsers, allAuthenticatedUsers and whole domains are not allowed."
  }
}

variable "viewers" {
  description = "Who may open a tunnel to Dagster's read-only page, and to nothing else: user:..., group:..."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.viewers : can(regex("^(user|group|serviceAccount):[^@]+@[^@]+$", member))])
    error_message = "Invalid viewer; expected user:ADDRESS, group:ADDRESS or serviceAccount:ADDRESS. allUsers, allAuthenticatedUsers and whole domains are not allowed."
  }
}

variable "release" {
  description = "Tag of the images and folder of the code for Dataproc: a version or a commit, never latest."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9._-]{0,62}$", var.release)) && var.release != "latest"
    error_message = "Invalid release; expected a tag such as 0.1.0 or a commit's hash. latest would change under running machines."
  }
}

variable "machine_types" {
  description = "Size of each machine; docs/cloud.md says what they cost."
  type = object({
    kafka           = optional(string, "e2-standard-2")
    dagster         = optional(string, "e2-standard-2")
    airflow         = optional(string, "e2-standard-2")
    dataproc_master = optional(string, "n2-standard-2")
    dataproc_worker = optional(string, "n2-standard-2")
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for type in values(var.machine_types) : can(regex("^[a-z][a-z0-9]+-[a-z]+-[0-9]+$", type))])
    error_message = "Invalid machine type; expected one like e2-standard-2."
  }
}

variable "dataproc_workers" {
  description = "Workers of the cluster. 0 is one machine that is master and worker; otherwise Dataproc requires at least 2."
  type        = number
  default     = 0

  validation {
    condition     = var.dataproc_workers == 0 || (var.dataproc_workers >= 2 && floor(var.dataproc_workers) == var.dataproc_workers)
    error_message = "Invalid number of workers; expected 0 (a single node) or at least 2."
  }
}

variable "kafka_disk_gb" {
  description = "Data disk of the broker, in GB; seven days of the default load are 1 GB."
  type        = number
  default     = 50

  validation {
    condition     = var.kafka_disk_gb >= 10 && var.kafka_disk_gb <= 64000
    error_message = "Invalid size of the broker's disk; expected 10 to 64000 GB."
  }
}

variable "kafka_partitions" {
  description = "Partitions of a new topic; an existing one keeps its own."
  type        = number
  default     = 3

  validation {
    condition     = var.kafka_partitions >= 1 && var.kafka_partitions <= 1000 && floor(var.kafka_partitions) == var.kafka_partitions
    error_message = "Invalid number of partitions; expected 1 to 1000."
  }
}

variable "simulation" {
  description = "What is simulated live: a built-in scenario, its seed and how many venues."
  type = object({
    scenario = optional(string, "original")
    seed     = optional(number, 7)
    venues   = optional(number, 2)
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(regex("^[a-z0-9-]+$", var.simulation.scenario)) && var.simulation.venues >= 1 && var.simulation.seed >= 0
    error_message = "Invalid simulation; expected the name of a scenario (ticketsim scenarios lists them), a seed of 0 or more and at least one venue."
  }
}

variable "trigger" {
  description = "What requests the first load of an hour: airflow, or dagster's own sensor."
  type        = string
  default     = "airflow"

  validation {
    condition     = contains(["airflow", "dagster"], var.trigger)
    error_message = "Invalid trigger; expected airflow or dagster."
  }
}

variable "first_hour" {
  description = "Start of the first hourly partition, UTC: the hour in which the simulator begins, or an earlier one."
  type        = string

  validation {
    condition     = can(regex("^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:00:00Z$", var.first_hour)) && can(formatdate("YYYY", var.first_hour))
    error_message = "Invalid first hour; expected the start of an hour in UTC, for example 2026-12-01T00:00:00Z."
  }
}

variable "page_url" {
  description = "Where people open the page if not in its bucket, e.g. https://dashboards.example.com/ticketsim: Dagster's asset links to it."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.page_url == "" || can(regex("^https?://\\S+$", var.page_url))
    error_message = "Invalid page_url; expected an address that begins with http:// or https://."
  }
}

variable "tuning" {
  description = "Settings of Dagster that override defaults, e.g. { reload-minutes = 30 }; docs/settings.md has their meaning."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for name, value in var.tuning : try(tonumber(value) >= 0, false) && contains(
        ["bigquery-maximum-bytes-billed", "lag-warning", "lateness-minutes", "quarantine-warning", "reload-minutes"], name
      )
    ])
    error_message = "Invalid tuning; expected numbers for bigquery-maximum-bytes-billed, lag-warning, lateness-minutes, quarantine-warning and reload-minutes only."
  }
}

variable "streaming" {
  description = "Whether the streaming job runs; its release must have been uploaded before (deploy/dataproc)."
  type        = bool
  default     = false

  validation {
    condition     = !var.streaming || fileexists("${path.root}/${var.stream_job}")
    error_message = "The description of the release's job does not exist. Build and upload the release: deploy/dataproc/dataproc_release.py."
  }
}

variable "stream_job" {
  description = "The job.json of the release, from this folder: jars and settings of the streaming job."
  type        = string
  default     = "../build/dataproc/job.json"
}

variable "keep_data" {
  description = "Protects machines, and buckets and datasets that hold data, from being destroyed. Set false only to take everything down for good."
  type        = bool
  default     = true
}
