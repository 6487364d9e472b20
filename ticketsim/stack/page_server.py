"""The page over HTTP on the loopback interface: browsers follow no link from Dagster's UI to a file."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final

from ticketsim.stack.ports import LOOPBACK, require_free

_HOSTS: Final = (LOOPBACK, "localhost")


class _PageHandler(http.server.SimpleHTTPRequestHandler):
    """Serves the folder of the page, to this machine's own browsers alone."""

    def send_head(self):  # type: ignore[no-untyped-def]  # noqa: ANN202 - the type is private in typeshed
        # A page from elsewhere whose name was made to mean this machine (DNS rebinding) asks under its own name.
        if self.headers.get("Host", "").rsplit(":", 1)[0] not in _HOSTS:
            self.send_error(HTTPStatus.FORBIDDEN, "the page is served to this machine alone")
            return None
        if not (Path(self.directory) / "index.html").exists():
            self.send_error(HTTPStatus.NOT_FOUND, "no page yet: it is built when the first hour is loaded")
            return None
        return super().send_head()

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")  # asked for again after each hour, sent if it has changed
        super().end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: requests of one's own browser are no news."""


def page_url(port: int) -> str:
    """Return the address of the page that is served on ``port``."""
    return f"http://{LOOPBACK}:{port}/"


@contextmanager
def serving(page: Path, port: int) -> Iterator[None]:
    """Serve the folder of ``page`` on ``port`` of the loopback interface, in a thread of this process.

    Args:
        page: The page's file, ``index.html``; it may be built later, and is read anew for each request.
        port: Port to listen on.

    Raises:
        PortTaken: Another process listens on the port.
    """
    require_free(port, "the page", "--page-port")
    handler = partial(_PageHandler, directory=str(page.parent))
    with http.server.ThreadingHTTPServer((LOOPBACK, port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="page", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
