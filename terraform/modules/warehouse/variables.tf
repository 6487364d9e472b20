variable "prefix" {
  description = "First part of the datasets' names; its dashes become underscores."
  type        = string
}

variable "location" {
  description = "Where the data lies: the lake's region, since load jobs do not cross regions."
  type        = string
}

variable "dagster_account" {
  description = "Address of Dagster's service account, which fills the datasets."
  type        = string
}

variable "keep_data" {
  description = "Whether a dataset that holds tables refuses to be destroyed."
  type        = bool
}
