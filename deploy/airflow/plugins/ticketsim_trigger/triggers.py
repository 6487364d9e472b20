"""The triggers for which a task waits without holding a worker: a new tick of Dagster's sensor, and the end of runs.

While the webserver does not answer they keep polling: it may be restarting. Both have a deadline as an argument, so
that a triggerer that restarts does not start the timeout again.
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
    """A trigger that fires once the sensor has completed a new tick, with the runs that it offers.

    The tick must have started after the trigger did, by Dagster's clock: only then are runs whose worker is gone known
    to be dead, and hours loaded in the meantime no longer offered.
    """

    def __init__(self, url: str, until: float, poll_s: float) -> None:
        """Poll the webserver at ``url`` every ``poll_s`` seconds, until the time ``until`` (Unix epoch)."""
        super().__init__()
        self.url, self.until, self.poll_s = url, until, poll_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and arguments from which the triggerer recreates this trigger."""
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
                problem = tick.problem or f"sensor 'lake' of {self.url} does not tick. Is Dagster's daemon up?"
            await asyncio.sleep(self.poll_s)
        yield TriggerEvent({"problem": problem})


class RunsEnded(BaseTrigger):
    """A trigger that fires once all of some runs have ended, succeeded or not."""

    def __init__(self, url: str, run_ids: Sequence[str], until: float, poll_s: float) -> None:
        """Poll the webserver at ``url`` for ``run_ids`` every ``poll_s`` seconds, until the time ``until``."""
        super().__init__()
        self.url, self.run_ids, self.until, self.poll_s = url, list(run_ids), until, poll_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and arguments from which the triggerer recreates this trigger."""
        return f"{__name__}.RunsEnded", {
            "url": self.url,
            "run_ids": self.run_ids,
            "until": self.until,
            "poll_s": self.poll_s,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield ``{"run_ids": [...], "runs": [...]}``, with a ``"problem"`` instead of runs that time out."""
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
