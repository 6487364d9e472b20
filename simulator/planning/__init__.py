"""Staffing plans: the fewest sellers and scanners with which visitors wait no longer than they should."""
