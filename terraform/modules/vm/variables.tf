variable "name" {
  description = "Name of the machine."
  type        = string
}

variable "description" {
  description = "Purpose of the machine."
  type        = string
}

variable "region" {
  description = "Region of the snapshots."
  type        = string
}

variable "zone" {
  description = "Zone of the machine."
  type        = string
}

variable "machine_type" {
  description = "Its size."
  type        = string
}

variable "data_disk_gb" {
  description = "Size of its data disk, in GB; the device is /dev/disk/by-id/google-data."
  type        = number
}

variable "subnetwork" {
  description = "Id of its subnet."
  type        = string
}

variable "address" {
  description = "Its private address; null for any that is free."
  type        = string
  default     = null
}

variable "service_account" {
  description = "Address of its service account."
  type        = string
}

variable "settings" {
  description = "Settings, by name in lower case with dashes; metadata attributes ticketsim-<name>, TICKETSIM_<NAME> for the containers."
  type        = map(string)

  validation {
    condition     = alltrue([for name in keys(var.settings) : can(regex("^[a-z][a-z0-9-]*$", name))])
    error_message = "Invalid name of a setting; expected lower case with dashes, for example lake-uri for TICKETSIM_LAKE_URI."
  }
}

variable "startup_script" {
  description = "Script that the machine runs at every boot after deploy/vm.sh: a file in deploy/."
  type        = string
}

variable "keep" {
  description = "Whether the machine refuses to be destroyed."
  type        = bool
}
