"""Spans of Kafka's offsets, and what is left of some without others."""

from collections.abc import Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """Offsets ``first`` to ``end - 1`` of one partition."""

    first: int
    end: int


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return ``spans`` in order, with those that touch or overlap made one."""
    found: list[Span] = []
    for span in sorted(span for span in spans if span.first < span.end):
        if found and span.first <= found[-1].end:
            found[-1] = Span(found[-1].first, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def without(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """Return what is left of ``spans`` where ``taken`` is not, in order."""
    left = []
    holes = merged(taken)
    at = 0
    for begin, end in merged(spans):
        while at < len(holes) and holes[at].end <= begin:
            at += 1
        while at < len(holes) and holes[at].first < end:
            left.append(Span(begin, holes[at].first))
            begin = holes[at].end  # noqa: PLW2901  what is left begins behind the hole
            if begin >= end:
                break
            at += 1
        left.append(Span(begin, end))
    return [span for span in left if span.first < span.end]


def offsets_in(spans: Iterable[Span]) -> int:
    """Return the number of offsets in ``spans``, which do not overlap."""
    return sum(span.end - span.first for span in spans)


def clipped(spans: Iterable[Span], to: Span) -> list[Span]:
    """Return the parts of ``spans`` that lie in ``to``."""
    cut = (Span(max(span.first, to.first), min(span.end, to.end)) for span in spans)
    return [span for span in cut if span.first < span.end]


def next_outside(offset: int, spans: Iterable[Span]) -> int:
    """Return the first offset from ``offset`` on that none of ``spans`` holds; they are in order."""
    for span in spans:
        if span.first <= offset:
            offset = max(offset, span.end)
    return offset
