"""Compares resources with the schema that the provider publishes, as ``google.json`` holds it."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stack.configuration import Configuration, is_blocks, nested_blocks

#: What Terraform itself knows of every resource: https://developer.hashicorp.com/terraform/language/meta-arguments
_META = {"count", "for_each", "depends_on", "provider"}

_LITERALS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "number": (int, float, str),
    "bool": (bool, str),
    "list": (list, str),
    "set": (list, str),
    "map": (dict, str),
}


def schema() -> dict[str, Any]:
    """Return the table that ``extract_schema.py`` makes."""
    table: dict[str, Any] = json.loads(Path(__file__).with_name("google.json").read_text())
    return table


def schema_errors(configuration: Configuration) -> list[str]:
    """Return one sentence for each resource type, block or argument that is unknown or missing."""
    known = schema()["resources"]
    errors = []
    for resource in configuration.resources():
        if resource.type not in known:
            errors.append(
                f"{resource}: resource type {resource.type} is not in google.json; recreate it with extract_schema.py."
            )
            continue
        body = {name: value for name, value in resource.body.items() if name not in _META | {"lifecycle"}}
        errors += [f"{resource}: {error}" for error in _errors(body, known[resource.type], "")]
    return errors


def _errors(body: dict[str, Any], known: dict[str, Any], where: str) -> Iterator[str]:
    found = Counter(name for name, _ in nested_blocks(body))
    for name, block in nested_blocks(body):
        if name in known["blocks"]:
            yield from _errors(block, known["blocks"][name], f"{where}{name}.")
        else:
            yield f"no block {where}{name}"
    for name, value in body.items():
        if not is_blocks(value):
            yield from _argument_errors(name, value, known, where)
    for name, described in known["attributes"].items():
        if described.startswith("required") and name not in body:
            yield f"required argument {where}{name} is missing"
    for name, block in known["blocks"].items():
        if found[name] < block["min"]:
            yield f"required block {where}{name} is missing"
        if block["max"] and found[name] > block["max"]:
            yield f"block {where}{name} stands there {found[name]} times, at most {block['max']} may"


def _argument_errors(name: str, value: Any, known: dict[str, Any], where: str) -> Iterator[str]:
    if name not in known["attributes"]:
        hint = ", it is a block" if name in known["blocks"] else ""
        yield f"no argument {where}{name}{hint}"
        return
    use, kind = known["attributes"][name].split(" ", 1)
    if use == "computed":
        yield f"{where}{name} is computed by the provider"
    # An expression, which python-hcl2 gives as a string, may be of any type: Terraform itself checks that.
    if not isinstance(value, _LITERALS[kind.split("(")[0]]):
        yield f"{where}{name} is a {kind}, not {value!r}"
