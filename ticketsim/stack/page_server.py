"""The page over HTTP on the loopback interface: browsers follow no link from Dagster's UI to a file."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ticketsim.stack.ports import LOOPBACK, require_free

_HOSTS: Final = (LOOPBACK, "localhost")
_PATHS: Final = ("/", "/index.html")


#: What the page's file says of itself. A page that is served may ask for a newer one than that of an ETag.
_HTML: Final = b'<html lang="en"'
_NO_REQUEST: Final = b"default-src &#39;none&#39;;"


def _served(page: bytes, etag: str) -> bytes:
    live = _HTML + f' data-live="{etag}"'.encode()
    return page.replace(_HTML, live, 1).replace(_NO_REQUEST, _NO_REQUEST + b" connect-src &#39;self&#39;;", 1)


class _PageHandler(http.server.BaseHTTPRequestHandler):
    """Serves the page, and nothing else, to this machine's own browsers alone."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments: Any, page: Path) -> None:
        self._page = page
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Answer with the page, or that it is still the one with the ETag that the browser has."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answer as to GET, without the page itself."""
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        # A page from elsewhere whose name was made to mean this machine (DNS rebinding) asks under its own name.
        if self.headers.get("Host", "").rsplit(":", 1)[0] not in _HOSTS:
            self.send_error(HTTPStatus.FORBIDDEN, "the page is served to this machine alone")
            return
        if urlsplit(self.path).path not in _PATHS:
            self.send_error(HTTPStatus.NOT_FOUND, "nothing but the page is served")
            return
        try:
            page = self._page.read_bytes()
        except FileNotFoundError:
            self.send_error(HTTPStatus.NOT_FOUND, "no page yet: it is built when the first hour is loaded")
            return
        etag = hashlib.sha256(page).hexdigest()[:32]
        known = self.headers.get("If-None-Match") == f'"{etag}"'
        page = _served(page, etag)
        self.send_response(HTTPStatus.NOT_MODIFIED if known else HTTPStatus.OK)
        self.send_header("ETag", f'"{etag}"')
        self.send_header("Cache-Control", "no-cache")  # asked for again after each hour, sent if it has changed
        if not known:
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        if with_body and not known:
            self.wfile.write(page)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: requests of one's own browser are no news."""


def page_url(port: int) -> str:
    """Return the address of the page that is served on ``port``."""
    return f"http://{LOOPBACK}:{port}/"


@contextmanager
def serving(page: Path, port: int) -> Iterator[None]:
    """Serve ``page`` on ``port`` of the loopback interface, in a thread of this process.

    Args:
        page: The page's file, ``index.html``; it may be built later, and is read anew for each request.
        port: Port to listen on.

    Raises:
        PortTaken: Another process listens on the port.
    """
    require_free(port, "the page", "--page-port")
    handler = partial(_PageHandler, page=page)
    with http.server.ThreadingHTTPServer((LOOPBACK, port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="page", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
