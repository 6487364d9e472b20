import shutil

import pytest

from streaming.exceptions import CheckpointDiffers, CheckpointWithoutLake
from streaming.kafka.offsets import TopicOffsets
from streaming.lake.losses import Losses
from streaming.lake.offset_gaps import OffsetGaps
from streaming.lake.reader import Lake
from streaming.query.partition_positions import Resumption, compare
from streaming.query.start_position import can_resume

IDS = {"a.b": "1", "c": "2"}


@pytest.fixture
def resumes(checkpoint, tmp_path):
    """Whether the query can resume from its checkpoint, whose third batch is planned, with a lake at these offsets."""
    log = {"a.b/0": TopicOffsets(0, 20), "c/0": TopicOffsets(0, 20)}

    def with_lake_at(committed: dict[str, int]) -> bool:
        resumption = Resumption(compare(log, committed, ()), IDS, IDS, Losses(), OffsetGaps())
        return can_resume(checkpoint, resumption, Lake(str(tmp_path / "lake")))

    return with_lake_at


@pytest.mark.parametrize("lake", [{"a.b/0": 5, "c/0": 8}, {"a.b/0": 7, "c/0": 9}])
def test_a_query_resumes_from_a_checkpoint_that_stands_where_the_lake_stands_or_one_batch_before(resumes, lake):
    assert resumes(lake)


@pytest.mark.parametrize("lake", [{"a.b/0": 3, "c/0": 4}, {"a.b/0": 12, "c/0": 15}])
def test_a_checkpoint_of_another_moment_is_refused_with_both_positions_and_the_cure(resumes, lake):
    said = rf"it resumes at offset 7 of a\.b/0, the lake at {lake['a.b/0']}\. .*`ticketsim stream --recover --dry-run`"
    with pytest.raises(CheckpointDiffers, match=said):
        resumes(lake)


def test_a_checkpoint_whose_lake_is_gone_is_refused_and_parts_of_one_are_none(resumes, checkpoint):
    with pytest.raises(CheckpointWithoutLake, match=f"the checkpoint {checkpoint} belongs to a lake that is no longer"):
        resumes({})
    shutil.rmtree(checkpoint / "commits")
    (checkpoint / "metadata").unlink()
    assert not resumes({"a.b/0": 5, "c/0": 8})
