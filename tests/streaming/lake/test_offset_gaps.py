from datetime import UTC, datetime, timedelta

from streaming.lake.losses import Loss, Losses
from streaming.lake.offset_gaps import OffsetGap, OffsetGaps, read_gaps
from streaming.lake.reader import Lake

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def test_a_lake_whose_producers_use_no_transactions_has_no_gaps(tmp_path):
    assert not read_gaps(Lake(str(tmp_path)))


def test_gaps_belong_to_the_log_in_which_they_were_found_and_one_that_was_found_twice_counts_once():
    losses = Losses.of([Loss("t", 0, 9, None, 0, LATER, LATER, 0, "old", "new", "gone")])
    gaps = OffsetGaps.of(
        [
            *(OffsetGap("t", 0, first, end, NOON) for first, end in [(4, 5), (3, 4), (3, 5)]),
            OffsetGap("t", 0, 0, 2, LATER),
            OffsetGap("t", 1, 7, 8, NOON),
        ]
    )
    assert gaps.spans("t/0", losses, 0) == [(3, 5)]
    assert gaps.spans("t/0", losses, 1) == [(0, 2)]
    assert gaps.spans_now(losses) == {"t/0": [(0, 2)], "t/1": [(7, 8)]}
    assert gaps.offsets == 5
    assert gaps.found_at == LATER
