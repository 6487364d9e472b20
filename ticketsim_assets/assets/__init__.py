"""The assets and jobs, one module per group of the lineage."""
