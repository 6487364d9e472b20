"""One writer of the warehouse at a time, on whatever machine: a lease in the description of a table.

The rules are those of the lease on a bucket (docs/decisions/0012-the-lease-on-a-bucket.md). Asked by ETag, BigQuery
changes a table's metadata only if nobody has changed it since it was read, and Google's client asks so by itself
(`google.cloud.bigquery.Client.update_table`): of several that try, one succeeds. The holder renews the lease every few
seconds. No clocks are compared: whoever waits watches whether the lease changes; if it does not for ``expires_after_s``
by the watcher's own clock, the holder is taken for dead. The holder gives up earlier by its own clock.

A holder that lost the lease without noticing, because it was suspended, cannot commit: the table has one row, the token
of its present holder, and each transaction begins with `Hold.fence`, which changes that row and fails where it holds
another token. Who takes the lease over changes the row as well, so that BigQuery itself, which refuses the later one of
two transactions that change the same table, keeps a commit under way and the next holder apart.
"""

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from google.api_core.exceptions import BadRequest, Conflict, GoogleAPIError, PreconditionFailed
from google.cloud import bigquery
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from streaming.locks.gcs_lease import PACE, Pace
from ticketsim_assets.exceptions import WarehouseBusy
from ticketsim_assets.warehouse.wait_policy import WaitPolicy, own_command

#: Columns of the table that keeps the lease.
COLUMNS: Final = (
    bigquery.SchemaField("token", "STRING", description="Of the process that may write."),
    bigquery.SchemaField("fenced_at", "TIMESTAMP", description="When a transaction of it began."),
)

#: How often a process that waits looks again.
_POLL_S: Final = 2.0

#: So long is the row with the token tried to be changed while a transaction of the former holder is under way; seconds.
_FENCE_S: Final = 30.0


@dataclass(slots=True)
class Hold:
    """The lease while it is held."""

    table_id: str
    token: str = field(default_factory=lambda: uuid.uuid4().hex)  #: of this holder, and of no other
    lost: str | None = None  #: why it is no longer held; None while all is well
    _ends: list[Callable[[], object]] = field(default_factory=list)

    def end_on_loss(self, end: Callable[[], object]) -> None:
        """Call ``end`` as soon as the lease is lost: it must end whatever writes."""
        self._ends.append(end)
        if self.lost:
            end()

    def fence(self) -> str:
        """Return the statements with which a transaction begins: they fail if somebody else holds the lease."""
        return (
            f"update `{self.table_id}` set fenced_at = current_timestamp() where token = '{self.token}'; "  # noqa: S608
            f"assert (select count(*) from `{self.table_id}` where token = '{self.token}') = 1 "
            "as 'the lease on the warehouse was lost';"
        )

    def lose(self, why: str) -> None:
        """Note that the lease is lost, and end what writes."""
        self.lost = why
        for end in self._ends:
            end()


class Lease:
    """The right to write, kept in table ``table_id``."""

    def __init__(self, client: bigquery.Client, table_id: str, wait_policy: WaitPolicy, pace: Pace = PACE) -> None:
        """Keep the lease in ``table_id``, a table with `COLUMNS`, and renew it at ``pace``."""
        self._client = client
        self._table_id = table_id
        self._wait_policy = wait_policy
        self._pace = pace

    @contextmanager
    def held(self) -> Iterator[Hold]:
        """Hold the lease; wait while another process has it.

        Raises:
            WarehouseBusy: Somebody else has held it for longer than the wait policy allows; or it was lost meanwhile.
        """
        hold = Hold(self._table_id)
        renewed_at, table = self._acquire(hold.token)
        ended = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(hold, table, renewed_at, ended), daemon=True)
        renewing.start()
        try:
            self._write_token(hold.token)
            yield hold
        except BaseException as error:
            ended.set()
            renewing.join()
            if not hold.lost and self._holder_token() != hold.token:
                hold.lose("another process took it over")
            if hold.lost:
                raise self._loss(hold) from error
            self._give_back(hold.token)
            raise
        ended.set()
        renewing.join()
        if hold.lost:
            raise self._loss(hold)
        self._give_back(hold.token)

    def _loss(self, hold: Hold) -> WarehouseBusy:
        return WarehouseBusy(f"the lease of {self._table_id} was lost while writing ({hold.lost}). Run it again.")

    def _acquire(self, token: str) -> tuple[float, bigquery.Table]:
        """Take the lease once it is free, or was not renewed for as long as this process has watched it."""
        deadline = time.monotonic() + self._wait_policy.seconds
        reported = False
        watched, since = "", time.monotonic()
        while True:
            table = self._client.get_table(self._table_id)
            now, written = time.monotonic(), table.description or ""
            if written != watched:
                watched, since = written, now
            if not written or now - since >= self._pace.expires_after_s:
                with suppress(PreconditionFailed):  # another process was quicker
                    return now, self._write(table, token)
                continue
            holder = _holder(written)
            if now >= deadline:
                raise self._wait_policy.exhausted(self._table_id, holder)
            if not reported:
                self._wait_policy.waiting(self._table_id, holder)
                reported = True
            time.sleep(min(_POLL_S, self._pace.heartbeat_s, max(deadline - now, 0)))

    def _renew(self, hold: Hold, table: bigquery.Table, renewed_at: float, ended: threading.Event) -> None:
        problem = "it was suspended"
        while not ended.wait(self._pace.heartbeat_s):
            asked_at = time.monotonic()
            if asked_at - renewed_at < self._pace.gives_up_s:
                try:
                    table, renewed_at = self._write(table, hold.token), asked_at
                except PreconditionFailed:
                    # An answer that was lost: the try before had arrived.
                    table = self._client.get_table(self._table_id)
                    if _token(table.description) != hold.token:
                        hold.lose("another process took it over")
                        return
                except (GoogleAPIError, OSError) as error:
                    problem = str(error)
            if time.monotonic() - renewed_at >= self._pace.gives_up_s:
                hold.lose(f"it was not renewed for {self._pace.gives_up_s:g} s: {problem}")
                return

    def _write(self, table: bigquery.Table, token: str) -> bigquery.Table:
        """Take or renew the lease on the version of the table that was read."""
        table.description = json.dumps(
            {
                "holder": f"process {os.getpid()} on {socket.gethostname()} ({own_command()})",
                "token": token,
                "renewal": uuid.uuid4().hex,  # another text each time, by which a watcher sees that it was renewed
            }
        )
        return self._client.update_table(table, ["description"])

    def _write_token(self, token: str) -> None:
        """Make ``token`` the one that `Hold.fence` asks for; a transaction of the former holder is waited for."""
        statements = (
            f"begin transaction; delete from `{self._table_id}` where true; "  # noqa: S608
            f"insert into `{self._table_id}` (token) values ('{token}'); commit transaction;"
        )
        for attempt in Retrying(
            retry=retry_if_exception_type((BadRequest, Conflict)),
            stop=stop_after_delay(_FENCE_S),
            wait=wait_fixed(1),
            reraise=True,
        ):
            with attempt:
                self._client.query(statements).result()

    def _holder_token(self) -> str | None:
        return _token(self._client.get_table(self._table_id).description)

    def _give_back(self, token: str) -> None:
        table = self._client.get_table(self._table_id)
        if _token(table.description) == token:
            table.description = ""
            with suppress(PreconditionFailed):  # taken over this very moment
                self._client.update_table(table, ["description"])


def _token(description: str | None) -> str | None:
    return json.loads(description or "{}").get("token")


def _holder(description: str) -> str:
    return str(json.loads(description).get("holder", "another process"))
