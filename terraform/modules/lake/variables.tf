variable "project" {
  description = "Id of the project: first part of the buckets' names, which are globally unique."
  type        = string
}

variable "prefix" {
  description = "Second part of the buckets' names."
  type        = string
}

variable "location" {
  description = "Region of the buckets."
  type        = string
}

variable "service_accounts" {
  description = "Addresses of the service accounts, by machine."
  type        = map(string)
}

variable "readers_of_page" {
  description = "Who may open the dashboard, besides machines."
  type        = list(string)
}

variable "keep_data" {
  description = "Whether a bucket that holds objects is protected from being destroyed."
  type        = bool
}
