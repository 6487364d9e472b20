"""What can go wrong in ``streaming``.

* StreamingError
"""


class StreamingError(Exception):
    """Base of every error that this package raises on purpose; its message names the value and the cure."""
