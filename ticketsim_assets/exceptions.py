"""What can go wrong in ``ticketsim_assets``.

* AssetsError
"""


class AssetsError(Exception):
    """Base of every error that this package raises on purpose; its message names the value and the cure."""
