"""Web servers that stand in for somebody else's."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def serve(handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    """A server on a free port of this machine, in a thread of its own; its ``shutdown`` ends it at once."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    # As often it looks whether it is to end; Python's half a second would be waited for at the end of each test.
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server
