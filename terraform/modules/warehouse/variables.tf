variable "prefix" {
  description = "First part of the datasets' names; its dashes become underscores."
  type        = string
}

variable "location" {
  description = "Region of the data: the lake's, since load jobs do not cross regions."
  type        = string
}

variable "dagster_account" {
  description = "Address of Dagster's service account, which fills the datasets."
  type        = string
}

variable "keep_data" {
  description = "Whether a dataset that holds tables is protected from being destroyed."
  type        = bool
}
