"""Problems in lines: what lacks a receipt is said once for each venue and range of hours, all else one by one."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from ticketsim_assets.checks.reconciliation import Problem, State

_HOUR = timedelta(hours=1)


def problem_lines(problems: Iterable[Problem]) -> list[tuple[str, State]]:
    """Return the lines that describe ``problems``, in their order, each with its state.

    Hours and event types without a receipt say the same for each; together they are one line, where the first is.
    """
    together: dict[object, list[Problem]] = defaultdict(list)
    for problem in problems:
        without_receipt = problem.expected_count is None
        same = (problem.state, problem.run_id, problem.venue_id, problem.difference)
        together[same if without_receipt else problem].append(problem)
    return [(line, alike[0].state) for alike in together.values() for line in _lines(alike)]


def _lines(alike: list[Problem]) -> Iterator[str]:
    if len(alike) == 1:
        yield str(alike[0])
        return
    first = alike[0]
    pairs = Counter(problem.hour for problem in alike)
    for hours in _ranges(sorted(pairs)):
        until = "" if len(hours) == 1 else f" to {hours[-1]:%Y-%m-%dT%H:%MZ} ({len(hours):,} hours)"
        types = sum(pairs[hour] for hour in hours)
        yield (
            f"{first.state}: run {first.run_id}, venue {first.venue_id}, hour {hours[0]:%Y-%m-%dT%H:%MZ}{until}: "
            f"{first.difference}, {types:,} {'pair' if types == 1 else 'pairs'} of hour and event type"
        )


def _ranges(hours: list[datetime]) -> Iterator[list[datetime]]:
    """Split ``hours``, which are in order, where one is left out."""
    begin = 0
    for end, (earlier, later) in enumerate(pairwise(hours), 1):
        if later - earlier > _HOUR:
            yield hours[begin:end]
            begin = end
    yield hours[begin:]
