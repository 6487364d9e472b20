"""One module per command of ``ticketsim``; heavy imports are inside the functions to keep ``--help`` fast."""
