variable "project" {
  description = "Id of the project."
  type        = string
}

variable "prefix" {
  description = "Name of the repository."
  type        = string
}

variable "location" {
  description = "Region of the repository."
  type        = string
}

variable "service_accounts" {
  description = "Addresses of the service accounts, by machine."
  type        = map(string)
}
