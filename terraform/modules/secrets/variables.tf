variable "prefix" {
  description = "First part of every name."
  type        = string
}

variable "location" {
  description = "Region in which the secrets are kept."
  type        = string
}

variable "service_accounts" {
  description = "Addresses of the service accounts, by machine."
  type        = map(string)
}
