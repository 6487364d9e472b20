import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.stream import Stream


@pytest.fixture
def chaos_seed() -> int:
    """CHAOS_SEED replays another schedule than that of `make test`."""
    return int(os.environ.get("CHAOS_SEED", "5"))


@pytest.fixture
def stream(topics: str, tmp_path: Path) -> Iterator[Stream]:
    """A stream from a broker with empty topics into a lake that is not there yet."""
    made = Stream.below(tmp_path, topics)
    yield made
    made.end_all()
