import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.stream import Stream


@pytest.fixture
def chaos_seed() -> int:
    """The seed of the schedule; CHAOS_SEED sets another one than that of `make test`."""
    return int(os.environ.get("CHAOS_SEED", "5"))


@pytest.fixture
def stream(topics: str, tmp_path: Path) -> Iterator[Stream]:
    """A stream from a broker with empty topics into a lake that does not exist yet."""
    made = Stream.below(tmp_path, topics)
    yield made
    made.end_all()
