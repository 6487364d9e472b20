"""Names of runs: the same bounded run always has the same, an open-ended one is told by when it began."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from simulator.events import SCHEMA_VERSION
from simulator.scenario import Scenario
from simulator.venue import MODEL_VERSION

_DIGEST_LENGTH: Final = 10


def default_run_id(
    scenario: Scenario,
    *,
    seed: int,
    start_us: int,
    horizon_us: int | None,
    venues: int,
    drain: bool,
    began_us: int,
) -> str:
    """Name a run by all that shapes what it sends, so that it is recognised when it is sent again.

    An open-ended run is never sent again, since its end depends on when it is stopped: its name holds its beginning.

    Args:
        scenario: What is simulated.
        seed: Of its random streams.
        start_us: Simulated time at its start, microseconds since the Unix epoch.
        horizon_us: When buses cease to come; None if the run is open-ended.
        venues: How many the whole run has, on all machines.
        drain: Whether people inside at the horizon finish.
        began_us: Wall clock at its start, microseconds since the Unix epoch.
    """
    shape = [MODEL_VERSION, SCHEMA_VERSION, scenario.content(), seed, start_us, horizon_us, venues, drain]
    if horizon_us is not None:
        return f"{scenario.name}-{_digest(shape)}"
    began = datetime.fromtimestamp(began_us // 1_000_000, UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{scenario.name}-{began}-{_digest([*shape, began_us])}"


def _digest(shape: list[object]) -> str:
    return sha256(json.dumps(shape).encode()).hexdigest()[:_DIGEST_LENGTH]
