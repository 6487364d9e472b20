"""Guarantee 5 (docs/guarantees.md): following the lake costs the same however much history there is."""

import time
from datetime import UTC, datetime

import pytest

from benchmarks.synthetic_lake import History, make_lake
from streaming.hour import Hour

from ..conftest import LakeMaker

pytestmark = pytest.mark.slow

#: Reading the whole state takes twenty times as long and more.
MOST = 5.0


def test_following_the_lake_costs_the_same_after_twenty_commits_and_after_five_hundred(tmp_path, run_messages):
    hour = Hour.containing(datetime(2026, 3, 1, 10, tzinfo=UTC))
    makers = {}
    for commits in (20, 500):
        make_lake(tmp_path / str(commits), History(commits, compacted=False, kept=commits), hour.end)
        makers[commits] = LakeMaker(tmp_path / str(commits), offsets={})
    taken = {commits: [] for commits in makers}
    for _ in range(5):
        for commits, maker in makers.items():
            maker.append(run_messages[:200])
            began = time.perf_counter()
            snapshot = maker.lake.snapshot()
            assert next(maker.lake.commits(snapshot.version - 1, snapshot.version)).added
            assert snapshot.files(hour)
            taken[commits].append(time.perf_counter() - began)
    # The first look reads the whole state; what else the machine does makes the others slower, never faster.
    short, long = (min(seconds[1:]) for seconds in taken.values())
    assert long < MOST * short
