"""Checkpoints as Spark writes them."""

import json
from pathlib import Path

import pytest


def spark_checkpoint(folder: Path, *, ends: list[dict[str, int]], done: int, begin: dict[str, int]) -> Path:
    """Write a checkpoint as Spark does: batch n ends at ``ends[n]``, the first ``done`` ones are committed."""

    def nested(offsets: dict[str, int]) -> str:
        found: dict[str, dict[str, int]] = {}
        for name, offset in offsets.items():
            topic, _, partition = name.rpartition("/")
            found.setdefault(topic, {})[partition] = offset
        return json.dumps(found)

    for name in ("offsets", "commits", "sources/0"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "metadata").write_text('{"id":"8f7e"}')
    (folder / "sources" / "0" / "0").write_bytes(b"\0v1\n" + nested(begin).encode())
    for number, end in enumerate(ends):
        (folder / "offsets" / str(number)).write_text(f'v1\n{{"batchWatermarkMs":0}}\n{nested(end)}')
        if number < done:
            (folder / "commits" / str(number)).write_text("v1\n{}")
    return folder


@pytest.fixture
def checkpoint(tmp_path):
    """Three batches; the third is planned, and not committed."""
    ends = [{"a.b/0": 3, "c/0": 4}, {"a.b/0": 5, "c/0": 8}, {"a.b/0": 7, "c/0": 9}]
    return spark_checkpoint(tmp_path / "checkpoint", ends=ends, done=2, begin={"a.b/0": 0, "c/0": 0})
