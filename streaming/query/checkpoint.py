"""The query's checkpoint: whether the query can resume from it, and setting it aside if not.

The lake knows which offsets it holds, and each batch is one commit, so a lost checkpoint loses and doubles nothing.
The query then starts in an empty folder: what Spark keeps in it belongs together, and a part that was left over (the
query's id, say) beside new offsets makes Delta take new batches for old ones.

A query resumes correctly only from a checkpoint that stands where the lake stands. After a kill the lake may be one
batch ahead of ``commits``, never more, and never behind. Spark itself does not compare the two: with an older copy of
the checkpoint Delta would take the next batches for those that it has, and skip them.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from upath import UPath

from streaming import storage
from streaming.offset_span import Span
from streaming.topic_partition import TopicPartition

#: Holds the query's id, by which Delta knows the batches that it has.
_METADATA: Final = "metadata"

#: The first line of each of Spark's log entries.
_VERSION: Final = re.compile(r"v\d+")

_UNREADABLE: Final = (OSError, ValueError, KeyError, IndexError, AttributeError)


@dataclass(frozen=True, slots=True)
class CheckpointFit:
    """How a checkpoint compares with the lake."""

    usable: bool  #: the query can resume from it
    complete: bool  #: it is a whole checkpoint, so that setting it aside is for the operator to decide
    why: str


def examine(checkpoint: UPath, committed: Mapping[str, int], newest_batch: int | None) -> CheckpointFit:
    """Compare a checkpoint with what the lake holds, reading every entry that Spark reads when it starts.

    Args:
        checkpoint: The query's folder; it need not exist.
        committed: The lake's next offset, per ``topic/partition``.
        newest_batch: The newest batch of this query that the lake has, by Delta's log; None if it has none.
    """
    planned = _numbers(checkpoint / "offsets")
    if not planned:
        return CheckpointFit(False, False, f"there is no checkpoint in {checkpoint}")
    newest = planned[-1]
    done = _numbers(checkpoint / "commits")
    try:
        _id(checkpoint / _METADATA)
        _require_planned(newest, done)
        if done:
            _entry(checkpoint / "commits" / str(done[-1]))
        after = _offsets(checkpoint / "offsets" / str(newest))
        before = _before(checkpoint, newest)
    except _UNREADABLE as problem:
        return CheckpointFit(False, False, f"the checkpoint {checkpoint} is incomplete ({problem})")
    if newest_batch is not None and newest_batch > newest:
        # By the number alone Delta would take the next batch for one that it has.
        return CheckpointFit(
            False,
            True,
            f"the checkpoint {checkpoint} ends with batch {newest}, the lake with batch {newest_batch}",
        )
    if done and not committed:
        return CheckpointFit(
            False, True, f"the checkpoint {checkpoint} says that batches were written, the lake holds none"
        )
    # A batch that the checkpoint calls done is in the lake; one that is planned may be, or not.
    candidates = [after] if done and done[-1] == newest else [after, before]
    differences = [_difference(offsets, committed) for offsets in candidates]
    if None in differences:
        return CheckpointFit(True, True, f"the checkpoint {checkpoint} stands where the lake stands")
    return CheckpointFit(False, True, f"the checkpoint {checkpoint} does not fit the lake: {differences[0]}")


def has_commits(checkpoint: UPath) -> bool:
    """Return whether the checkpoint says that batches were written."""
    return bool(_numbers(checkpoint / "commits"))


def batch_end(checkpoint: UPath, batch: int) -> dict[str, int] | None:
    """Return the next offset after a batch, per ``topic/partition``; None if the checkpoint no longer has it."""
    try:
        return _offsets(checkpoint / "offsets" / str(batch))
    except _UNREADABLE:
        return None


def batch_spans(checkpoint: UPath, first: int, last: int) -> dict[str, Span]:
    """Return the offsets that batches ``first`` to ``last`` were to read, per ``topic/partition``.

    Nothing if the checkpoint does not have these batches, or cannot be read.
    """
    try:
        before, after = _before(checkpoint, first), _offsets(checkpoint / "offsets" / str(last))
    except _UNREADABLE:
        return {}
    return {name: Span(before.get(name, 0), end) for name, end in after.items()}


def query_id(checkpoint: UPath) -> str | None:
    """Return the query's id, by which Delta knows its batches; None if there is none, or it cannot be read."""
    try:
        return _id(checkpoint / _METADATA)
    except _UNREADABLE:
        return None


def set_aside(checkpoint: UPath) -> UPath | None:
    """Give the checkpoint another name, so that the query starts in an empty folder; nothing is deleted.

    Returns:
        Where it is now; None if there was none.
    """
    return storage.set_aside(checkpoint, vital=_METADATA)


def _numbers(folder: UPath) -> list[int]:
    """Return the batch numbers of Spark's log entries in ``folder``, oldest first."""
    return sorted(int(path.name) for path in folder.glob("*") if path.name.isdigit())


def _id(metadata: UPath) -> str:
    """Return the query's id: without it the query would get a new one."""
    try:
        return str(json.loads(metadata.read_text(encoding="utf-8"))["id"])
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{metadata.name} does not hold the query's id") from None


def _require_planned(newest: int, done: list[int]) -> None:
    if done and done[-1] > newest:
        raise ValueError(f"batch {done[-1]} was committed, but the newest planned one is {newest}")


def _entry(path: UPath) -> list[Any]:
    """Return the JSON values of one of Spark's log entries: the lines after the one that names its version.

    Raises:
        ValueError: The entry is empty or garbled, as after a loss of power; Spark refuses to start from it.
    """
    name = f"{path.parent.name}/{path.name}"
    version, *lines = path.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
    if not _VERSION.fullmatch(version):
        raise ValueError(f"{name} does not begin with a version" if version else f"{name} is empty")
    try:
        return [json.loads(line) for line in lines if line]
    except ValueError as problem:
        raise ValueError(f"{name} is not JSON: {problem}") from None


def _offsets(path: UPath) -> dict[str, int]:
    """Return where a batch ends, per ``topic/partition``: the last value of Spark's log entry."""
    return _flat(_entry(path)[-1])


def _before(checkpoint: UPath, batch: int) -> dict[str, int]:
    """Return where a batch begins, per ``topic/partition``."""
    return _offsets(checkpoint / "offsets" / str(batch - 1)) if batch else _initial(checkpoint)


def _initial(checkpoint: UPath) -> dict[str, int]:
    """Return where the first batch begins: JSON behind a zero byte and a version."""
    text = (checkpoint / "sources" / "0" / "0").read_text(encoding="utf-8")
    return _flat(json.loads(text[text.index("{") :]))


def _flat(offsets: Any) -> dict[str, int]:
    return {
        str(TopicPartition(topic, int(number))): int(end)
        for topic, ends in offsets.items()
        for number, end in ends.items()
    }


def _difference(offsets: Mapping[str, int], committed: Mapping[str, int]) -> str | None:
    """Return the first difference; partitions of which the lake holds nothing may stand anywhere."""
    for name, following in sorted(committed.items()):
        if offsets.get(name, 0) != following:
            return f"it resumes at offset {offsets.get(name, 0)} of {name}, the lake at {following}"
    return None
