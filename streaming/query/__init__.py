"""The streaming query: where it starts, its batches, its failures and its end."""
