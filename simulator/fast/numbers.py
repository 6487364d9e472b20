"""Whole numbers as decimal text."""

from typing import Final

import numpy as np

from simulator.fast.compiled import inlined
from simulator.fast.memory import put_two
from simulator.fast.tables import Rows

#: The two digits of 0 to 99, as an uint16 each.
_TWO: Final = np.frombuffer("".join(f"{number:02}" for number in range(100)).encode(), np.uint16).copy()

#: Digits of every time from 2001 to 2286.
_TIME_DIGITS: Final = 16
_LEAST_TIME: Final = 10 ** (_TIME_DIGITS - 1)

_ZERO: Final = ord("0")
_TEN: Final = 10

#: Digits of the largest number.
MOST_DIGITS: Final = 19


@inlined
def put_number(text: Rows, at: int, number: int) -> int:
    """Write a number that is not negative to ``text[at]`` and on; return the place after it."""
    if number < _TEN:
        text[at] = _ZERO + number
        return at + 1
    if _LEAST_TIME <= number < 10 * _LEAST_TIME:
        high = np.uint64(number) // np.uint64(100_000_000)
        _put_eight(text, at, np.uint32(high))
        _put_eight(text, at + 8, np.uint32(np.uint64(number) - high * np.uint64(100_000_000)))
        return at + _TIME_DIGITS
    digits, limit = 2, _TEN * _TEN
    while digits < MOST_DIGITS and number >= limit:
        digits += 1
        limit *= _TEN
    place, left = at + digits, np.uint64(number)
    while left >= np.uint64(100):
        rest = left // np.uint64(100)
        place -= 2
        put_two(text, place, _TWO[left - rest * np.uint64(100)])
        left = rest
    if left >= np.uint64(10):
        put_two(text, place - 2, _TWO[left])
    else:
        text[place - 1] = _ZERO + left
    return at + digits


@inlined
def _put_eight(text: Rows, at: int, number: int) -> None:
    """Write the eight digits of an uint32."""
    high = number // np.uint32(10_000)
    low = number - high * np.uint32(10_000)
    first, third = high // np.uint32(100), low // np.uint32(100)
    put_two(text, at, _TWO[first])
    put_two(text, at + 2, _TWO[high - first * np.uint32(100)])
    put_two(text, at + 4, _TWO[third])
    put_two(text, at + 6, _TWO[low - third * np.uint32(100)])
