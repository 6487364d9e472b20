"""What can go wrong in ``local``.

* LocalError
"""


class LocalError(Exception):
    """Base of every error that this package raises on purpose; its message names the value and the cure."""
