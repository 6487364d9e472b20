"""A heap of what is scheduled: by time and, at the same time, in the order in which it was scheduled, as in SimPy."""

from simulator.fast.compiled import compiled, inlined
from simulator.fast.tables import Row, Rows


@compiled
def push(heap: Rows, size: int, time: int, order: int, what: int) -> None:
    """Add to the heap of ``size`` rows."""
    place = size
    while place > 0:
        above = (place - 1) >> 1
        row = heap[above]
        if row.time < time or (row.time == time and row.order < order):
            break
        heap[place] = row
        place = above
    put(heap[place], time, order, what)


@compiled
def pop(heap: Rows, size: int) -> None:
    """Remove the first from the heap of ``size`` rows."""
    last = heap[size - 1]
    replace_first(heap, size - 1, last.time, last.order, last.what)


@compiled
def replace_first(heap: Rows, size: int, time: int, order: int, what: int) -> None:
    """Put another in the place of the first of the heap of ``size`` rows."""
    place = 0
    while True:
        below = 2 * place + 1
        if below >= size:
            break
        row = heap[below]
        if below + 1 < size:
            other = heap[below + 1]
            # Which of the two is first cannot be predicted: arithmetic is faster than a branch.
            below += (other.time < row.time) | ((other.time == row.time) & (other.order < row.order))
            row = heap[below]
        if time < row.time or (time == row.time and order < row.order):
            break
        heap[place] = row
        place = below
    put(heap[place], time, order, what)


@inlined
def put(row: Row, time: int, order: int, what: int) -> None:
    """Write a row of the heap."""
    row.time = time
    row.order = order
    row.what = what
