"""`terraform/` as data, and what is known and demanded of it."""
