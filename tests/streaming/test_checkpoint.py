import json
from pathlib import Path

import pytest

from streaming.checkpoint import offsets_json, starting_offsets
from streaming.exceptions import CheckpointWithoutLake, DataLost
from streaming.lag import TopicOffsets
from streaming.lake import Lake

LOG = {"a.b/0": TopicOffsets(0, 10), "a.b/1": TopicOffsets(0, 0), "c/0": TopicOffsets(4, 9)}


def test_every_partition_is_named_and_those_without_rows_begin_where_kafka_does():
    assert json.loads(offsets_json(LOG, {"a.b/0": 7, "c/0": 4})) == {"a.b": {"0": 7, "1": -2}, "c": {"0": 4}}


@pytest.mark.parametrize("committed", [3, 10])
def test_a_lake_that_goes_on_before_or_behind_what_kafka_holds_is_a_loss_named_by_partition(committed):
    with pytest.raises(DataLost, match=rf"goes on at offset {committed} of c/0, but Kafka holds offsets 4 to 8"):
        offsets_json(LOG, {"c/0": committed})


def test_a_lake_that_has_all_that_kafka_holds_goes_on_at_its_end():
    assert json.loads(offsets_json(LOG, {"c/0": 9}))["c"] == {"0": 9}


def test_a_fresh_lake_begins_with_the_first_message_and_asks_no_broker(tmp_path):
    assert starting_offsets("127.0.0.1:1", Lake(str(tmp_path / "lake")), tmp_path / "checkpoint") == "earliest"


def test_a_checkpoint_whose_lake_is_gone_is_refused(tmp_path: Path):
    for folder in ("offsets", "commits"):
        (tmp_path / "checkpoint" / folder).mkdir(parents=True)
        (tmp_path / "checkpoint" / folder / "0").touch()
    with pytest.raises(CheckpointWithoutLake, match="belongs to a lake that is no longer at"):
        starting_offsets("127.0.0.1:1", Lake(str(tmp_path / "lake")), tmp_path / "checkpoint")
