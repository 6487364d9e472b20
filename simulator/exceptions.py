"""What can go wrong in ``simulator``.

* SimulatorError
"""


class SimulatorError(Exception):
    """Base of every error that this package raises on purpose; its message names the value and the cure."""
