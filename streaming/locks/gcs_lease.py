"""The lease on a lake in a bucket: an object that its holder writes anew every few seconds.

Creating it, renewing it and taking it over are all conditional on its *generation*, the number that Google Cloud
Storage gives to each version of an object (https://cloud.google.com/storage/docs/request-preconditions): of two who
try, one fails. No clocks are compared. Who wants the lease watches whether the generation changes; if it does not for
``expires_after_s`` by the watcher's own clock, the holder is taken for dead and the object is replaced. The watcher may
start Spark meanwhile, once it has not heard of the holder for longer than a heartbeat, but writes nothing. The holder
gives up earlier by its own clock, counted from before its last renewal: a margin in which its JVM is ended.
See docs/decisions/0012-the-lease-on-a-bucket.md.
"""

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from google.api_core.exceptions import GoogleAPIError, NotFound, PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud import storage
from google.cloud.storage.retry import DEFAULT_RETRY
from requests.exceptions import RequestException
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from streaming.locks.jvm_lock import Holder
from streaming.storage import emulator

#: How a request fails that is neither granted nor refused; one of a moment later may succeed.
UNREACHABLE: Final = (GoogleAPIError, GoogleAuthError, RequestException, OSError)

#: How long one request may take; seconds.
_REQUEST_S: Final = 5.0

#: Reading is tried again for so long; seconds.
_READING: Final = DEFAULT_RETRY.with_timeout(2 * _REQUEST_S)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a lease is renewed and how soon it counts as left behind; seconds."""

    heartbeat_s: float = 10.0  #: a renewal is one write to the bucket: 260 000 a month, 1.3 USD
    margin_s: float = 15.0  #: before others may take it over, the holder gives up
    expires_after_s: float = 45.0  #: a holder that was not heard of for so long is taken for dead

    @property
    def heard_of_s(self) -> float:
        """Within so long a living holder renews it, unless its requests fail."""
        return 1.5 * self.heartbeat_s

    @property
    def gives_up_s(self) -> float:
        """So long after its last renewal a holder stops."""
        return self.expires_after_s - self.margin_s


#: Three renewals may fail in a row before the holder gives up.
PACE: Final = Pace()


@dataclass(frozen=True, slots=True)
class _Seen:
    generation: int  #: 0: there is no such object
    holder: Holder | None = None
    token: str = ""  #: of the holder, and of no other
    written_at: datetime | None = None  #: by Google's clock


class GcsLeaseStore:
    """The object ``gs://bucket/.../.stream.lease``."""

    def __init__(self, uri: str) -> None:
        """Name the object; nothing is asked of the bucket yet."""
        bucket, _, name = uri.removeprefix("gs://").partition("/")
        nobody = AnonymousCredentials() if emulator() else None
        self._blob = storage.Client("any" if nobody else None, nobody).bucket(bucket).blob(name)

    def seen(self) -> _Seen:
        """Its present generation and what it says."""
        for attempt in Retrying(
            retry=retry_if_exception_type(NotFound), stop=stop_after_attempt(3), wait=wait_fixed(0.1), reraise=True
        ):
            with attempt:
                found = self._blob.bucket.get_blob(self._blob.name, timeout=_REQUEST_S, retry=_READING)
                if found is None:
                    return _Seen(0)
                # Another generation may be there by now: what is read must be of the one that is named.
                text = found.download_as_text(if_generation_match=found.generation, timeout=_REQUEST_S, retry=_READING)
        about = json.loads(text)
        holder = Holder(about["pid"], about["holder"], about["since"], about["host"])
        return _Seen(int(found.generation), holder, about["token"], found.updated)

    def replace(self, generation: int, holder: Holder, token: str) -> int | None:
        """Write it anew if it has this generation still, 0 for none; its new one, or None if it has another.

        A small upload in one request, of which a repetition by the client after an answer that was lost would be
        refused by its own first try: it is not repeated.
        """
        about = {"pid": holder.pid, "holder": holder.name, "since": holder.since, "host": holder.host, "token": token}
        try:
            self._blob.upload_from_string(
                json.dumps(about), if_generation_match=generation, timeout=_REQUEST_S, retry=None
            )
        except PreconditionFailed:
            return None
        return int(self._blob.generation)

    def remove(self, generation: int) -> None:
        """Delete it if it has this generation."""
        self._blob.delete(if_generation_match=generation, timeout=_REQUEST_S)


class HeartbeatLease:
    """One process's hold on such an object; see the module."""

    def __init__(self, uri: str, name: str, pace: Pace | None = None) -> None:
        """Want the lease at ``uri``; nothing is asked of the bucket yet.

        Args:
            uri: ``gs://bucket/...``, the object.
            name: what to call the holder, e.g. ``ticketsim stream``.
            pace: PACE, unless told otherwise.
        """
        self._object = GcsLeaseStore(uri)
        self.pace = pace or PACE
        since = datetime.now(UTC).isoformat(timespec="seconds")
        self._me = Holder(os.getpid(), name, since, socket.gethostname())
        self._token = uuid.uuid4().hex
        self._first: int | None = None  #: the generation that the watch began with
        self._watched_since = 0.0  #: of the monotonic clock
        self._left_behind: int | None = None  #: the generation that is nobody's, 0: there is no object; None: not known
        self._held = 0  #: the generation that is ours
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.lost: str | None = None  #: why it is no longer held; None while all is well

    def watch(self, stop: threading.Event, until_s: float) -> Holder | None:
        """Watch whether somebody renews the lease, until ``until_s`` after the first look or until there is none.

        It may be taken if it was watched for ``pace.expires_after_s``. A second call goes on from what the first one
        saw: no generation comes twice, so one that is there at the beginning and at the end was there all the time.

        Args:
            stop: Set it to give up.
            until_s: Seconds.

        Returns:
            The living holder; None if nobody was heard of.
        """
        seen = self._object.seen()
        if self._first is None:
            self._first, self._watched_since = seen.generation, time.monotonic()
        while seen.generation == self._first != 0 and time.monotonic() < self._watched_since + until_s:
            if stop.wait(self.pace.heartbeat_s / 8):
                return None
            seen = self._object.seen()
        if seen.generation not in {0, self._first}:
            return seen.holder
        if seen.generation == 0 or time.monotonic() >= self._watched_since + self.pace.expires_after_s:
            self._left_behind = seen.generation
        return None

    def take(self, on_loss: Callable[[], None]) -> bool:
        """Hold it from now on if ``watch`` saw that it may be taken; False if it did not, or somebody was quicker.

        Args:
            on_loss: called once, from another thread, as soon as it cannot be held any longer. It must end whatever
                commits before it returns.
        """
        if self._left_behind is None:
            return False
        renewed_at = time.monotonic()
        taken = self._object.replace(self._left_behind, self._me, self._token)
        if taken is None:
            return False
        self._held = taken
        self._thread = threading.Thread(target=self._keep, args=(renewed_at, on_loss), name="lease", daemon=True)
        self._thread.start()
        return True

    def release(self) -> None:
        """Let the next one have it at once, if it is still held."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(4 * _REQUEST_S)
        if self._held and self.lost is None:
            with suppress(*UNREACHABLE):  # it grows stale by itself
                self._object.remove(self._held)

    def _keep(self, renewed_at: float, on_loss: Callable[[], None]) -> None:
        problem = "it slept"
        while not self._ended.wait(self.pace.heartbeat_s):
            asked_at = time.monotonic()
            if asked_at - renewed_at < self.pace.gives_up_s:
                try:
                    renewed = self._renewed()
                except UNREACHABLE as error:
                    problem = str(error)
                else:
                    if renewed is None:
                        holder = self._who_has_it()
                        self._lose(f"{holder} has taken it over", on_loss)
                        return
                    self._held, renewed_at = renewed, asked_at
            if time.monotonic() - renewed_at >= self.pace.gives_up_s:
                self._lose(f"it was not renewed for {self.pace.gives_up_s:g} s ({problem})", on_loss)
                return

    def _renewed(self) -> int | None:
        renewed = self._object.replace(self._held, self._me, self._token)
        if renewed is None and (seen := self._object.seen()).token == self._token:
            return seen.generation  # the try before had arrived, only its answer had not
        return renewed

    def _who_has_it(self) -> str:
        try:
            return str(self._object.seen().holder or "somebody")
        except UNREACHABLE:
            return "somebody"

    def _lose(self, why: str, on_loss: Callable[[], None]) -> None:
        self.lost = why
        on_loss()


def present_holder(uri: str, expires_after_s: float = PACE.expires_after_s) -> Holder | None:
    """Who has the lease at ``uri``, without waiting; None if it was not renewed lately, by this machine's clock."""
    seen = GcsLeaseStore(uri).seen()
    if seen.written_at is None or (datetime.now(UTC) - seen.written_at).total_seconds() > expires_after_s:
        return None
    return seen.holder
