import shutil

import pytest

from streaming.query.checkpoint import batch_spans, examine, query_id, set_aside

from .conftest import spark_checkpoint

NEXT = {"a.b/0": 7, "c/0": 9}

#: The newest batch of the query that the lake has.
NEWEST = 1


@pytest.mark.parametrize("lake", [{"a.b/0": 5, "c/0": 8}, NEXT, {"c/0": 9}])
def test_a_lake_with_or_without_the_batch_that_was_planned_fits_the_checkpoint(checkpoint, lake):
    assert examine(checkpoint, lake, NEWEST).usable


@pytest.mark.parametrize("lake", [{"a.b/0": 3, "c/0": 4}, {"a.b/0": 8, "c/0": 9}, {"a.b/0": 5, "c/0": 9}, {"d/0": 1}])
def test_a_lake_of_another_moment_does_not(checkpoint, lake):
    fit = examine(checkpoint, lake, NEWEST)
    assert (fit.usable, fit.complete) == (False, True)
    assert "does not fit the lake: it resumes at offset" in fit.why


def test_a_batch_that_is_noted_as_written_must_be_in_the_lake(checkpoint):
    (checkpoint / "commits" / "2").write_text("v1\n{}")
    assert examine(checkpoint, NEXT, NEWEST).usable
    assert not examine(checkpoint, {"a.b/0": 5, "c/0": 8}, NEWEST).usable


def test_a_checkpoint_that_says_that_batches_were_written_does_not_fit_an_empty_lake(checkpoint):
    for newest in (None, NEWEST):  # a table that was restored to its first version still knows its batches
        assert not examine(checkpoint, {}, newest).usable


def test_an_older_copy_of_a_checkpoint_is_known_by_the_batches_that_the_lake_has_even_at_the_same_offsets(checkpoint):
    fit = examine(checkpoint, NEXT, 3)
    assert (fit.usable, fit.complete) == (False, True)
    assert "ends with batch 2, the lake with batch 3" in fit.why


def test_the_offsets_of_some_batches_are_those_from_the_end_of_the_one_before(checkpoint):
    assert batch_spans(checkpoint, 1, 2) == {"a.b/0": (3, 7), "c/0": (4, 9)}
    assert batch_spans(checkpoint, 0, 0) == {"a.b/0": (0, 3), "c/0": (0, 4)}
    assert batch_spans(checkpoint, 0, 3) == {}


def test_the_id_of_the_query_is_that_of_its_checkpoint(checkpoint, tmp_path):
    assert query_id(checkpoint) == "8f7e"
    assert query_id(tmp_path / "elsewhere") is None


def test_the_first_batch_begins_where_the_source_began(tmp_path):
    folder = spark_checkpoint(tmp_path / "checkpoint", ends=[{"c/0": 9}], done=0, begin={"c/0": 4})
    assert examine(folder, {"c/0": 4}, None).usable
    assert not examine(folder, {"c/0": 3}, None).usable


@pytest.mark.parametrize("lost", ["metadata", "offsets/1", "offsets"])
def test_a_part_of_a_checkpoint_is_none(checkpoint, lost):
    victim = checkpoint / lost
    shutil.rmtree(victim) if victim.is_dir() else victim.unlink()
    fit = examine(checkpoint, NEXT, NEWEST)
    assert (fit.usable, fit.complete) == (False, False)


@pytest.mark.parametrize("content", [b"", b"\0\0\0\0", b'v1\n{"nextBatchWater', b"v1\n\xff", b"{}"])
@pytest.mark.parametrize("entry", ["commits/1", "offsets/1", "offsets/2", "metadata"])
def test_an_entry_that_is_empty_or_garbled_is_named_and_makes_the_checkpoint_incomplete(checkpoint, entry, content):
    (checkpoint / entry).write_bytes(content)
    fit = examine(checkpoint, NEXT, NEWEST)
    assert (fit.usable, fit.complete) == (False, False)
    assert f"{checkpoint} is incomplete" in fit.why
    assert entry in fit.why


def test_a_batch_that_was_committed_but_is_no_longer_planned_makes_the_checkpoint_incomplete(checkpoint):
    (checkpoint / "commits" / "2").write_text("v1\n{}")
    (checkpoint / "offsets" / "2").unlink()
    fit = examine(checkpoint, NEXT, NEWEST)
    assert (fit.usable, fit.complete) == (False, False)
    assert "batch 2 was committed, but the newest planned one is 1" in fit.why


def test_a_checkpoint_is_set_aside_and_never_deleted(checkpoint):
    aside = set_aside(checkpoint)
    assert aside is not None
    assert (aside / "offsets" / "2").exists()
    assert aside.parent == checkpoint.parent
    assert not checkpoint.exists()
    assert set_aside(checkpoint) is None
