"""What a machine asks Google at boot: a metadata server and a Secret Manager that run here."""

import base64
import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.http_server import serve

TOKEN = "the-machine-s-own"  # noqa: S105  # pragma: allowlist secret


@dataclass
class Cloud:
    """The attributes and secrets of a machine. Both answer as Google's do."""

    attributes: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, bytes] = field(default_factory=dict)
    status: int = 404  #: of a secret that is not there

    def __post_init__(self) -> None:
        self.server = serve(self._handler())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
        if path.startswith("/metadata/"):
            known = {
                "project/project-id": "venue",
                "instance/service-accounts/default/token": json.dumps({"access_token": TOKEN}),
                "instance/attributes/": "".join(f"{name}\n" for name in self.attributes),
                **{f"instance/attributes/{name}": value for name, value in self.attributes.items()},
            }
            asked = path.removeprefix("/metadata/")
            if headers.get("Metadata-Flavor") != "Google" or asked not in known:
                return 404, b""
            return 200, known[asked].encode()
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, b""
        name = path.removeprefix("/secrets/projects/venue/secrets/").removesuffix("/versions/latest:access")
        if name not in self.secrets:
            return self.status, b'{"error": {}}'
        return 200, json.dumps({"payload": {"data": base64.b64encode(self.secrets[name]).decode()}}).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        cloud = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = cloud.answer(self.path, dict(self.headers))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        return Handler
