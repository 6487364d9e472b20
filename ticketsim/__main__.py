"""``python -m ticketsim``: the command line, for processes that must run in the current interpreter."""

from ticketsim.cli import main

main()
