import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulator.fast.numbers import MOST_DIGITS, put_number


@settings(deadline=None)  # the first example waits for the compiler
@given(st.integers(0, 2**63 - 1))
@example(2**63 - 1)
@example(10**15)
@example(10**15 - 1)
@example(10**16 - 1)
@example(10**16)
@example(0)
@example(9)
@example(10)
@example(99)
@example(100)
def test_a_number_is_written_as_python_writes_it(number):
    text = np.zeros(MOST_DIGITS + 4, np.uint8)
    end = put_number(text, 2, number)

    assert text.tobytes() == b"\0\0" + str(number).encode() + bytes(MOST_DIGITS + 4 - end)
