"""`terraform/` as data, and the rules that it must follow."""
