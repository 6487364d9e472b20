variable "project" {
  description = "Id of the project."
  type        = string
}

variable "prefix" {
  description = "First part of every name."
  type        = string
}

variable "viewers" {
  description = "Who may open tunnels to one port only, and to which."
  type        = object({ members = list(string), port = number })
}

variable "operators" {
  description = "Who may open tunnels to the machines and log in there."
  type        = list(string)
}
