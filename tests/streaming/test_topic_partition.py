"""The one spelling of a partition: ``topic/partition``."""

import pytest

from streaming.topic_partition import TopicPartition


def test_a_partition_is_read_as_it_is_written():
    partition = TopicPartition("ticketsim.bus_arrival", 12)
    assert str(partition) == "ticketsim.bus_arrival/12"
    assert TopicPartition.parse(str(partition)) == partition


def test_partitions_sort_by_topic_then_by_number():
    names = ["b/10", "a/2", "b/9"]
    assert [str(place) for place in sorted(map(TopicPartition.parse, names))] == ["a/2", "b/9", "b/10"]


@pytest.mark.parametrize("name", ["", "topic", "/1", "topic/", "topic/one", "topic/-1"])
def test_what_is_no_partition_is_refused_by_name(name):
    with pytest.raises(ValueError, match="expected topic/number"):
        TopicPartition.parse(name)
