from datetime import UTC, datetime, timedelta

import pytest

from streaming.lake.losses import Loss, Losses, next_resumption
from streaming.query.clock import not_before

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def loss(topic="t", partition=0, resumed_at=NOON, version=5, new_id="new", **changes):
    values = {"first_lost": 7, "end_lost": None, "resumes_at": 0, "old_topic_id": "old", "why": "gone", **changes}
    return Loss(topic, partition, values["first_lost"], values["end_lost"], values["resumes_at"], resumed_at, NOON,
                version, values["old_topic_id"], new_id, values["why"])  # fmt: skip


def test_the_newest_loss_of_a_partition_began_its_present_log_and_the_newest_id_of_a_topic_is_the_accepted_one():
    later = NOON + timedelta(hours=1)
    losses = Losses.of([loss(resumed_at=later, new_id="newest"), loss(), loss(partition=1)])
    assert losses.newest("t/0").resumed_at == later
    assert losses.newest("t/2") is None
    assert losses.topic_ids() == {"t": "newest"}
    assert losses.resumed_at == later


def test_a_reader_of_an_older_version_does_not_know_of_a_later_loss():
    losses = Losses.of([loss(version=5), loss(partition=1, version=9)])
    assert [each.name for each in losses.known_at(8)] == ["t/0"]


@pytest.mark.parametrize("jump", [timedelta(hours=-5), timedelta(0), timedelta(hours=5)])
def test_a_log_is_resumed_behind_all_rows_and_losses_whatever_the_clock_says(jump):
    newest = NOON + timedelta(microseconds=999)
    resumed = next_resumption(NOON + jump, newest, NOON - timedelta(days=1), None)
    assert resumed > newest
    assert resumed.microsecond % 1000 == 0
    again = next_resumption(NOON + jump, newest, resumed)
    assert again > resumed


def test_rows_are_never_stamped_before_the_log_that_they_belong_to():
    noon_us = round(NOON.timestamp()) * 1_000_000
    assert not_before(NOON, lambda: noon_us - 1)() == noon_us
    assert not_before(NOON, lambda: noon_us + 1)() == noon_us + 1
    assert not_before(None, lambda: 3)() == 3


def test_a_loss_says_what_is_gone():
    assert str(loss(end_lost=9)) == "t/0: lost offsets 7 to 8 (gone), went on at 0 on 2026-03-01 12:00 UTC"
    assert "t/0: lost from offset 7 on (gone)" in str(loss())
