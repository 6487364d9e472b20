from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streaming.offset_span import Span, clipped, merged, next_outside, offsets_in, without

spans = st.lists(st.builds(lambda first, length: Span(first, first + length), st.integers(0, 40), st.integers(0, 9)))


def offsets(of: list[Span]) -> set[int]:
    return {offset for first, end in of for offset in range(first, end)}


@given(spans)
def test_merged_spans_hold_the_same_offsets_in_order_and_none_twice(given_spans):
    found = merged(given_spans)
    assert offsets(found) == offsets(given_spans)
    assert offsets_in(found) == len(offsets(given_spans))
    assert all(before.end < after.first for before, after in pairwise(found))


@given(spans, spans)
def test_what_is_left_without_others_is_the_difference_of_the_offsets(given_spans, taken):
    left = without(given_spans, taken)
    assert offsets(left) == offsets(given_spans) - offsets(taken)
    assert left == merged(left)


@given(spans, st.integers(0, 40), st.integers(0, 40))
def test_clipped_spans_hold_what_both_hold(given_spans, first, end):
    assert offsets(clipped(given_spans, Span(first, end))) == offsets(given_spans) & set(range(first, end))


@given(spans, st.integers(0, 60))
def test_the_next_offset_outside_is_the_first_that_no_span_holds(given_spans, offset):
    held = offsets(given_spans)
    assert next_outside(offset, merged(given_spans)) == next(n for n in range(offset, 100) if n not in held)
