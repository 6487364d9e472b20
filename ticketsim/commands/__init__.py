"""One module per command of ``ticketsim``; heavy imports stand inside the functions, so that ``--help`` is quick."""
