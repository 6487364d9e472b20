"""``python -m ticketsim``: the command line, for processes that must run in this very interpreter."""

from ticketsim.cli import main

main()
