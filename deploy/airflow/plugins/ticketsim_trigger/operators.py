"""The operator of the one task: request all due hours from Dagster, wait for them, fail loudly."""

import time
from datetime import timedelta
from typing import Any, Final

from airflow.sdk import BaseOperator

from ticketsim_trigger.client import ASKED_BY_TAG, LIVE, RUN_KEY_TAG, SUCCEEDED, DagsterClient, Offer
from ticketsim_trigger.exceptions import HoursFailed, TriggerError
from ticketsim_trigger.triggers import FreshTick, RunsEnded

#: The sensor ticks every 15 s; a Dagster that restarts is back within a minute or two.
TICK_TIMEOUT: Final = timedelta(minutes=15)

#: Dagster itself ends a run after an hour; several may wait for each other.
RUN_TIMEOUT: Final = timedelta(hours=3)


class MaterializeDueHours(BaseOperator):
    """An operator that launches every run that Dagster offers, and waits, without a worker, until all have ended.

    Idempotent: runs are found by their run key, so a run in progress is waited for and not launched again. On a retry
    Dagster offers hours whose run failed or died again, under another key, as often as its rule allows.
    """

    ui_color = "#4f43dd"

    def __init__(
        self,
        *,
        url: str,
        poll_s: float = 5.0,
        tick_timeout: timedelta = TICK_TIMEOUT,
        run_timeout: timedelta = RUN_TIMEOUT,
        **kwargs: Any,
    ) -> None:
        """Use the Dagster webserver at ``url``.

        Args:
            url: The webserver's address, without ``/graphql``.
            poll_s: Seconds between two requests while waiting.
            tick_timeout: How long Dagster may take for a new tick of the sensor, a restart included.
            run_timeout: How long the runs may take.
            kwargs: Arguments of the base class.
        """
        super().__init__(**kwargs)
        self.url, self.poll_s, self.tick_timeout, self.run_timeout = url, poll_s, tick_timeout, run_timeout

    def execute(self, context: Any) -> None:
        """Wait for a new tick of Dagster's sensor."""
        until = time.time() + self.tick_timeout.total_seconds()
        self.defer(trigger=FreshTick(self.url, until, self.poll_s), method_name="launch")

    def launch(self, context: Any, event: dict[str, Any]) -> list[str]:
        """Launch the offered runs, in addition to those still running from before; then wait.

        Raises:
            TriggerError: The sensor does not tick, or Dagster refuses a run.
        """
        if problem := event.get("problem"):
            raise TriggerError(problem)
        client, asked_by = DagsterClient(self.url), f"airflow/{self.dag_id}"
        run_ids = [run.run_id for run in client.runs({ASKED_BY_TAG: asked_by}, LIVE)]
        for run_id in run_ids:
            self.log.info("waiting for a run in progress: %s", client.run_url(run_id))
        for offer in (Offer(**each) for each in event["offers"]):
            known = client.runs({RUN_KEY_TAG: offer.run_key})
            run_id = known[0].run_id if known else client.launch(offer, asked_by)
            run_ids += [] if run_id in run_ids else [run_id]
            self.log.info("hours %s to %s: %s", offer.first, offer.last, client.run_url(run_id))
        if not run_ids:
            self.log.info("no hour is due")
            return []
        until = time.time() + self.run_timeout.total_seconds()
        return self.defer(trigger=RunsEnded(self.url, run_ids, until, self.poll_s), method_name="finish")

    def finish(self, context: Any, event: dict[str, Any]) -> list[str]:
        """Return the ids of the runs if all of them succeeded.

        Raises:
            HoursFailed: A run failed, was deleted, or did not end in time; the message links to each.
        """
        client, run_ids = DagsterClient(self.url), list(event["run_ids"])
        if problem := event.get("problem"):
            raise HoursFailed(f"{problem}. See {', '.join(client.run_url(run_id) for run_id in run_ids)}")
        ended = {run["run_id"]: run for run in event["runs"]}
        failed = [run_id for run_id in run_ids if ended.get(run_id, {}).get("status") != SUCCEEDED]
        if failed:
            named = [
                f"hours {ended[run_id]['hours']}: {ended[run_id]['status']}" if run_id in ended else "deleted"
                for run_id in failed
            ]
            links = "; ".join(f"{name}, {client.run_url(run_id)}" for name, run_id in zip(named, failed, strict=True))
            raise HoursFailed(f"{len(failed)} of {len(run_ids)} runs of Dagster did not succeed: {links}")
        return run_ids
