"""The Dagster code location: the lake's hours, the warehouse, its checks and the dashboard as one graph of assets."""
