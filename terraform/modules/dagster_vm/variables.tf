variable "prefix" {
  description = "First part of every name."
  type        = string
}

variable "region" {
  description = "Region of the machine."
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
  description = "Size of its data disk, in GB."
  type        = number
}

variable "subnetwork" {
  description = "Id of its subnet."
  type        = string
}

variable "service_account" {
  description = "Address of its service account."
  type        = string
}

variable "settings" {
  description = "Ticketsim's settings, by name in lower case with dashes."
  type        = map(string)
}

variable "viewers" {
  description = "Who may open a tunnel to its read-only page."
  type        = list(string)
}

variable "keep" {
  description = "Whether the machine refuses to be destroyed."
  type        = bool
}
