"""One writer of the warehouse at a time, on whatever machine: a lease in the description of a table.

Asked by ETag, BigQuery changes a table's metadata only if nobody has changed it since it was read, and Google's client
asks so by itself (`google.cloud.bigquery.Client.update_table`): of several that find the lease free, one gets it. Its
holder renews it; one that was killed loses it by the clock, on which the machines of a cloud agree to milliseconds.
Neither reading nor changing metadata is billed.
"""

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from google.api_core.exceptions import GoogleAPIError, PreconditionFailed
from google.cloud import bigquery

from ticketsim_assets.exceptions import WarehouseBusy
from ticketsim_assets.warehouse.wait_policy import WaitPolicy, own_command

#: How long a killed holder blocks others. Renewed three times within: one answer that is late loses nothing.
LEASE_SECONDS: Final = 90.0

#: How often who waits looks again.
_LOOK_SECONDS: Final = 2.0


class Lease:
    """The right to write, kept in table ``table_id``, which holds no rows."""

    def __init__(
        self, client: bigquery.Client, table_id: str, wait_policy: WaitPolicy, seconds: float = LEASE_SECONDS
    ) -> None:
        """Keep the lease in ``table_id``, made if it is missing, for ``seconds`` at a time."""
        self._client = client
        self._table_id = table_id
        self._wait_policy = wait_policy
        self._seconds = seconds

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lease; whoever else has it is waited for.

        Raises:
            WarehouseBusy: somebody else has held it for longer than is waited for; or it was lost meanwhile, because
                BigQuery could not be reached for as long as it lasts.
        """
        token = uuid.uuid4().hex
        table = self._acquire(token)
        ended = threading.Event()
        lost: list[str] = []
        renewing = threading.Thread(target=self._renew, args=(table, token, ended, lost), daemon=True)
        renewing.start()
        try:
            yield
        finally:
            ended.set()
            renewing.join()
            if not lost:
                self._give_back(token)
        if lost:
            raise WarehouseBusy(f"the lease of {self._table_id} was lost while writing ({lost[0]}). Run it again.")

    def _acquire(self, token: str) -> bigquery.Table:
        deadline = time.monotonic() + self._wait_policy.seconds
        told = False
        while True:
            table = self._client.get_table(self._table_id)
            holder = _holder(table)
            if holder is None:
                try:
                    return self._write(table, token)
                except PreconditionFailed:
                    holder = "another process"
            if time.monotonic() >= deadline:
                raise self._wait_policy.exhausted(self._table_id, holder)
            if not told:
                self._wait_policy.waiting(self._table_id, holder)
                told = True
            time.sleep(min(_LOOK_SECONDS, max(deadline - time.monotonic(), 0)))

    def _renew(self, table: bigquery.Table, token: str, ended: threading.Event, lost: list[str]) -> None:
        last = time.monotonic()
        while not ended.wait(self._seconds / 3):
            try:
                table = self._write(table, token)
                last = time.monotonic()
            except PreconditionFailed:
                lost.append("another process took it")
                return
            except (GoogleAPIError, OSError) as error:
                if time.monotonic() - last > self._seconds:
                    lost.append(str(error))
                    return

    def _write(self, table: bigquery.Table, token: str) -> bigquery.Table:
        """Take or renew the lease on the version of the table that was read."""
        table.description = json.dumps(
            {
                "holder": f"process {os.getpid()} on {socket.gethostname()} ({own_command()})",
                "token": token,
                "until": (datetime.now(UTC) + timedelta(seconds=self._seconds)).isoformat(),
            }
        )
        return self._client.update_table(table, ["description"])

    def _give_back(self, token: str) -> None:
        table = self._client.get_table(self._table_id)
        if json.loads(table.description or "{}").get("token") == token:
            table.description = ""
            self._client.update_table(table, ["description"])


def _holder(table: bigquery.Table) -> str | None:
    """Who holds the lease now; None if nobody does, or whoever did has not renewed it."""
    written = json.loads(table.description or "{}")
    if not written or datetime.fromisoformat(written["until"]) <= datetime.now(UTC):
        return None
    return f"{written['holder']}, which renews it until {written['until'][:19]}Z"
