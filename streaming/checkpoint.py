"""Where the query starts: at its checkpoint, or, where there is none, at what the lake says.

The lake knows which offsets it holds, and each batch is one commit, so a lost checkpoint loses and doubles nothing.
The query then starts in an empty folder: what Spark keeps in it belongs together, and a part that was left over (the
query's id, say) beside new offsets makes Delta take new batches for old ones.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from streaming.committed import next_offsets
from streaming.exceptions import BrokerUnreachable, CheckpointWithoutLake, DataLost
from streaming.lag import TopicOffsets, topic_offsets
from streaming.lake import Lake

#: Spark's word for "the first offset that the partition still has".
_EARLIEST: Final = -2


def starting_offsets(bootstrap: str, lake: Lake, checkpoint: Path) -> str:
    """What to pass as Kafka's ``startingOffsets``; Spark ignores it while the checkpoint knows better.

    Raises:
        BrokerUnreachable: the offsets are needed and cannot be asked for.
        CheckpointWithoutLake: batches were committed to a lake that is no longer there.
        DataLost: Kafka no longer has the messages that follow those of the lake.
    """
    if any(_numbered(checkpoint / "offsets")):
        if any(_numbered(checkpoint / "commits")) and not lake.exists():
            raise CheckpointWithoutLake(
                f"the checkpoint {checkpoint} belongs to a lake that is no longer at {lake.root}. Bring the lake back, "
                "or remove the checkpoint to read again everything that Kafka still holds."
            )
        return "earliest"
    committed = next_offsets(lake)
    if not committed:
        return "earliest"
    _set_aside(checkpoint)
    log = topic_offsets(bootstrap)
    if log is None:
        raise BrokerUnreachable(f"the broker {bootstrap} does not tell its offsets, which the lost checkpoint needs.")
    return offsets_json(log, committed)


def offsets_json(log: Mapping[str, TopicOffsets], committed: Mapping[str, int]) -> str:
    """``startingOffsets`` after everything that the lake holds, for every partition that Kafka has.

    Args:
        log: What Kafka holds, per ``topic/partition``.
        committed: The lake's next offset, per ``topic/partition``; from the first one where nothing is committed.

    Raises:
        DataLost: Kafka's log of a partition begins after the lake's next offset, or ends before it.
    """
    offsets: dict[str, dict[str, int]] = defaultdict(dict)
    for name, held in log.items():
        topic, _, partition = name.rpartition("/")
        following = committed.get(name)
        if following is not None and not held.earliest <= following <= held.end:
            raise DataLost(
                f"the lake goes on at offset {following} of {name}, but Kafka holds offsets {held.earliest} to "
                f"{held.end - 1}: messages were removed before the stream read them. Write into another lake (--lake, "
                "--checkpoint), or bring the broker's data back."
            )
        offsets[topic][partition] = _EARLIEST if following is None else following
    return json.dumps(offsets)


def _numbered(folder: Path) -> list[Path]:
    """Spark's log entries in ``folder``, one file per batch, named by its number."""
    return [path for path in folder.glob("*") if path.name.isdigit()]


def _set_aside(checkpoint: Path) -> None:
    if checkpoint.exists() and any(checkpoint.iterdir()):
        checkpoint.rename(checkpoint.with_name(f"{checkpoint.name}.incomplete-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"))
