"""Mutants: copies of Ticketsim without one of its safety measures, which the suite must notice."""
