import json

import pytest

from streaming.exceptions import DataLost
from streaming.kafka.offsets import TopicOffsets
from streaming.lake.losses import Losses
from streaming.lake.offset_gaps import OffsetGaps
from streaming.query.partition_positions import Resumption, compare

LOG = {"a.b/0": TopicOffsets(0, 10), "a.b/1": TopicOffsets(0, 0), "c/0": TopicOffsets(4, 9)}


def resumption(committed, recreated=()):
    return Resumption(
        compare(LOG, committed, recreated), {"a.b": "1", "c": "2"}, {"a.b": "1", "c": "2"}, Losses(), OffsetGaps()
    )


def test_every_partition_is_named_and_those_without_rows_begin_where_kafka_does():
    offsets = resumption({"a.b/0": 7, "c/0": 4}).starting_offsets()
    assert json.loads(offsets) == {"a.b": {"0": 7, "1": -2}, "c": {"0": 4}}


def test_a_lake_without_rows_begins_with_the_first_message():
    assert resumption({}).starting_offsets() == "earliest"


def test_a_lake_that_has_all_that_kafka_holds_goes_on_at_its_end():
    assert json.loads(resumption({"c/0": 9}).starting_offsets())["c"] == {"0": 9}


@pytest.mark.parametrize(
    ("committed", "end_lost", "why"), [(3, 4, "were removed from Kafka"), (10, None, "the broker has lost data")]
)
def test_a_lake_that_goes_on_before_or_behind_what_kafka_holds_has_lost_messages(committed, end_lost, why):
    found = resumption({"c/0": committed, "a.b/0": 5})
    with pytest.raises(
        DataLost, match=rf"resumes at offset {committed} of c/0, but Kafka holds offsets 4 to 8 \(.*{why}"
    ):
        found.require_no_loss()
    (place,) = found.lost
    assert (place.first_lost, place.end_lost, place.resumes_at) == (committed, end_lost, 4)


def test_all_partitions_of_a_recreated_topic_begin_again_whatever_their_offsets():
    found = resumption({"a.b/0": 7, "a.b/2": 3, "c/0": 4}, recreated=["a.b"])
    assert [(place.name, place.first_lost, place.end_lost, place.resumes_at) for place in found.lost] == [
        ("a.b/0", 7, None, 0),
        ("a.b/1", 0, None, 0),
        ("a.b/2", 3, None, 0),
    ]


def test_a_partition_that_kafka_no_longer_has_is_a_loss():
    with pytest.raises(DataLost, match="offset 2 of c/1, but Kafka has no such partition"):
        resumption({"c/0": 9, "c/1": 2}).require_no_loss()
