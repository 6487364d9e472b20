"""Staffing plans: the fewest sellers and scanners that meet a target for the visitors' waits."""
