"""A Terraform provider that knows the Google provider's schema and little else: enough for `validate` and for mocks.

Terraform asks a provider for its schema, and checks configuration against that itself; `terraform test` with
`mock_provider` makes up what a provider would compute. So the real Terraform, with expressions, modules, types and
required arguments, can be run over ``terraform/`` where the real provider cannot be had. What the real one checks
beyond its schema (the form of a name, arguments that exclude each other) is not checked here, with two exceptions in
``_FORMS``: these refuse what a mock makes up unless it is told better.

The protocol: https://developer.hashicorp.com/terraform/plugin/terraform-plugin-protocol, version 6; a provider is a
gRPC server that prints its address. Its messages are few, so they are encoded here rather than by generated code.
"""

import json
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import msgspec

TABLE = Path(__file__).with_name("google.json")

#: What the real provider asks of an argument, and how it says so: validateIAMMember, ServiceAccountLinkRegex.
_FORMS = {
    "member": (
        re.compile(r".+:.+|projectOwners|projectReaders|projectWriters|allUsers|allAuthenticatedUsers"),
        "IAM members must have one of the values of https://cloud.google.com/billing/docs/reference/rest/v1/Policy#Binding",
    ),
    "service_account_id": (
        re.compile(r"projects/[^/]+/serviceAccounts/[^/@]+@[^/]+"),
        "expected projects/PROJECT/serviceAccounts/ADDRESS",
    ),
}

_NESTING = {"single": 1, "list": 2, "set": 3}


def _field(number: int, value: int | str | bytes) -> bytes:
    """Encode a field of a message: https://protobuf.dev/programming-guides/encoding/."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    if value < 128:
        return bytes([value])
    return bytes([value & 127 | 128]) + _varint(value >> 7)


def _type(kind: str) -> Any:
    """Return a type as Terraform spells it in JSON: ``list(string)`` is ``["list", "string"]``."""
    if kind == "list(object)":
        return "dynamic"
    outer, _, inner = kind.rstrip(")").partition("(")
    return [outer, inner] if inner else outer


def _attribute(name: str, described: str) -> bytes:
    use, kind = described.split(" ", 1)
    # What is optional in this provider is mostly computed too, if it is not given; the table does not tell which.
    uses = {"required": [4], "optional": [5, 6], "computed": [6]}[use]
    return _field(1, name) + _field(2, json.dumps(_type(kind))) + b"".join(_field(number, 1) for number in uses)


def _block(block: dict[str, Any]) -> bytes:
    attributes = [_field(2, _attribute(name, described)) for name, described in block["attributes"].items()]
    nested = [
        _field(
            3,
            _field(1, name)
            + _field(2, _block(inner))
            + _field(3, _NESTING[inner["nesting"]])
            + (b"" if inner["nesting"] == "single" else _field(4, inner["min"]) + _field(5, inner["max"])),
        )
        for name, inner in block["blocks"].items()
    ]
    return b"".join(attributes + nested)


def _schema(block: dict[str, Any]) -> bytes:
    return _field(1, 0) + _field(2, _block(block))


def _provider_schema() -> bytes:
    table = json.loads(TABLE.read_text())
    resources = [_field(2, _field(1, name) + _field(2, _schema(block))) for name, block in table["resources"].items()]
    return _field(1, _schema({"attributes": table["configuration"], "blocks": {}})) + b"".join(resources)


def _fields(message: bytes) -> dict[int, bytes]:
    """Decode the fields of a message that are strings, bytes or messages; each occurs once in what is asked here."""
    found, position = {}, 0
    while position < len(message):
        (tag, position), start = _read_varint(message, position), position
        if tag & 7 != 2:
            raise ValueError(f"field {tag >> 3} at {start} has wire type {tag & 7}; expected a length and bytes.")
        length, position = _read_varint(message, position)
        found[tag >> 3] = message[position : position + length]
        position += length
    return found


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return value, position


def _diagnostics(request: bytes) -> bytes:
    """Return ValidateResourceConfig's answer: an error for each argument that does not have its form."""
    asked = _fields(request)
    if not asked[1].endswith(b"_iam_member"):
        return b""
    # What is not known yet is an extension type of msgpack's.
    values = msgspec.msgpack.decode(_fields(asked[2])[1], ext_hook=lambda *_: None)
    return b"".join(
        _field(1, _field(1, 1) + _field(2, f"invalid value {values[name]!r} for {name} ({meaning})"))
        for name, (form, meaning) in _FORMS.items()
        if isinstance(values.get(name), str) and not form.fullmatch(values[name])
    )


class _Answers(grpc.GenericRpcHandler):
    """A handler that answers everything but the schema and a resource's arguments with an empty message."""

    def __init__(self, over: threading.Event) -> None:
        self._over = over

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        service, method = handler_call_details.method.strip("/").split("/")
        if service not in {"tfplugin6.Provider", "plugin.GRPCController"}:
            return None

        def answer(request: bytes, _context: grpc.ServicerContext) -> bytes:
            if method == "Shutdown":
                self._over.set()
            if method == "ValidateResourceConfig":
                return _diagnostics(request)
            return _provider_schema() if method == "GetProviderSchema" else b""

        return grpc.unary_unary_rpc_method_handler(answer)


def main() -> None:
    """Serve until Terraform stops the provider."""
    over = threading.Event()
    server = grpc.server(ThreadPoolExecutor(4), handlers=[_Answers(over)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"1|6|tcp|127.0.0.1:{port}|grpc\n")
    sys.stdout.flush()
    over.wait()
    server.stop(grace=0.1)


if __name__ == "__main__":
    main()
