"""``python -m local``: the command line, for processes that must run in this very interpreter."""

from local.cli import main

main()
