"""What a task waits for without holding a worker: a fresh look of Dagster's sensor at the lake, and the end of runs.

A webserver that does not answer is waited for: it may be restarting. Both give up at a moment that is passed to them,
so that a triggerer that restarts does not wait anew.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from ticketsim_trigger.client import ENDED, DagsterClient
from ticketsim_trigger.exceptions import DagsterRefused, DagsterUnreachable


class FreshTick(BaseTrigger):
    """Fires once the sensor has looked at the lake anew, with what it offers.

    The look must have begun after this was asked for, by Dagster's clock: only then are runs whose worker is gone known
    to be dead, and hours that were loaded meanwhile no longer offered.
    """

    def __init__(self, url: str, until: float, poll_s: float) -> None:
        """Ask the webserver at ``url`` every ``poll_s`` seconds, until the moment ``until`` (Unix epoch)."""
        super().__init__()
        self.url, self.until, self.poll_s = url, until, poll_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """How the triggerer makes this anew."""
        return f"{__name__}.FreshTick", {"url": self.url, "until": self.until, "poll_s": self.poll_s}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield ``{"offers": [...]}``, or ``{"problem": why}``."""
        client, asked_after, problem = DagsterClient(self.url), None, ""
        while time.time() < self.until:
            try:
                tick = await asyncio.to_thread(client.last_tick)
            except DagsterUnreachable as error:
                problem = str(error)
            except DagsterRefused as error:
                yield TriggerEvent({"problem": str(error)})
                return
            else:
                if asked_after is None:
                    asked_after = tick.begun_at
                if tick.finished_at > asked_after:
                    yield TriggerEvent({"offers": [asdict(offer) for offer in tick.offers]})
                    return
                problem = tick.problem or f"sensor 'lake' of {self.url} does not look at the lake. Is the daemon up?"
            await asyncio.sleep(self.poll_s)
        yield TriggerEvent({"problem": problem})


class RunsEnded(BaseTrigger):
    """Fires once all of some runs have ended, however."""

    def __init__(self, url: str, run_ids: Sequence[str], until: float, poll_s: float) -> None:
        """Ask the webserver at ``url`` for ``run_ids`` every ``poll_s`` seconds, until the moment ``until``."""
        super().__init__()
        self.url, self.run_ids, self.until, self.poll_s = url, list(run_ids), until, poll_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """How the triggerer makes this anew."""
        return f"{__name__}.RunsEnded", {
            "url": self.url,
            "run_ids": self.run_ids,
            "until": self.until,
            "poll_s": self.poll_s,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield ``{"run_ids": [...], "runs": [...]}``, or a ``"problem"`` instead of runs that do not end in time."""
        client, problem = DagsterClient(self.url), "the runs have not ended"
        while time.time() < self.until:
            try:
                runs = await asyncio.to_thread(client.runs_by_id, self.run_ids)
            except (DagsterUnreachable, DagsterRefused) as error:
                problem = str(error)
            else:
                problem = f"the runs have not ended: {', '.join(f'{run.run_id} {run.status}' for run in runs)}"
                if all(run.status in ENDED for run in runs):
                    yield TriggerEvent({"run_ids": self.run_ids, "runs": [asdict(run) for run in runs]})
                    return
            await asyncio.sleep(self.poll_s)
        yield TriggerEvent({"run_ids": self.run_ids, "problem": problem})
