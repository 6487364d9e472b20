"""Values from outside in sentences: shortened, on one line."""

from reprlib import Repr
from typing import Any, Final

_repr: Final = Repr()
_repr.maxstring = _repr.maxother = _repr.maxlong = 80


def shown(value: Any) -> str:
    """Return ``repr(value)``, or its beginning and end."""
    try:
        return _repr.repr(value)
    except ValueError:  # Python writes out no number of more than 4300 digits
        return "a number of thousands of digits"
