from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.hour import Hour, contiguous_ranges, hours_between

START = Hour(datetime(2026, 11, 20, 3, tzinfo=UTC))


@given(st.integers(946_684_800, 4_102_444_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)))
def test_an_hour_survives_the_way_through_its_key_and_its_partition(moment):
    hour = Hour.containing(moment)
    assert hour.start <= moment < hour.end
    assert Hour.from_key(hour.key) == hour
    assert Hour.of_partition(hour.date, hour.start.hour) == hour


def test_a_moment_in_another_zone_lies_in_the_utc_hour():
    assert Hour.containing(datetime(2026, 11, 20, 8, 30, tzinfo=timezone(timedelta(hours=5)))) == START


@pytest.mark.parametrize("moment", [datetime(2026, 11, 20, 3, 1, tzinfo=UTC), START.start.replace(tzinfo=None)])
def test_what_is_not_the_start_of_a_utc_hour_is_refused(moment):
    with pytest.raises(ValueError, match=r"Invalid hour .*; expected the start of a UTC hour"):
        Hour(moment)


@given(st.sets(st.integers(0, 60)))
def test_ranges_hold_exactly_their_hours_and_never_touch(offsets):
    hours = [Hour(START.start + timedelta(hours=offset)) for offset in offsets]
    ranges = contiguous_ranges(hours)
    assert [hour for first, last in ranges for hour in hours_between(first, last)] == sorted(hours)
    assert all(before[1].next < after[0] for before, after in pairwise(ranges))
