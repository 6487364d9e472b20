"""Run ids: a run of the past always has the same id, a live one is named by its start."""

import json
from hashlib import sha256
from typing import Final

from simulator.distributions import Streams
from simulator.events import SCHEMA_VERSION
from simulator.scenario import Scenario
from simulator.timestamps import utc
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
    live_since_us: int | None,
) -> str:
    """Build a run id from all that affects the messages, draws of numpy included: the same run has the same id again.

    A live run is never sent again, since its messages depend on when it is stopped: its id contains its start.

    Args:
        scenario: Scenario of the run.
        seed: Seed of its random streams.
        start_us: Simulated time at its start, microseconds since the Unix epoch.
        horizon_us: Time from which no bus arrives; None if the run is open-ended.
        venues: Number of venues of the whole run, on all machines.
        drain: Whether people inside at the horizon finish.
        live_since_us: Wall clock at the start of a live run, microseconds since the Unix epoch; None for any other run.
    """
    versions = [MODEL_VERSION, SCHEMA_VERSION, Streams.fingerprint()]
    shape = [*versions, scenario.content(), seed, start_us, horizon_us, venues, drain]
    if live_since_us is None:
        return f"{scenario.name}-{_digest(shape)}"
    began = utc(live_since_us).strftime("%Y%m%dT%H%M%SZ")
    return f"{scenario.name}-{began}-{_digest([*shape, live_since_us])}"


def _digest(shape: list[object]) -> str:
    return sha256(json.dumps(shape).encode()).hexdigest()[:_DIGEST_LENGTH]
