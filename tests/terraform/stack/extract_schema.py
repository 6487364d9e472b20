"""The builder of ``google.json``, the part of the provider's schema that ``terraform/`` uses, from CDKTF's package.

The npm package ``@cdktf/provider-google`` is generated from the schema that the provider publishes; release 16.12.1
from provider 6.50.0. Of each resource it holds every block, attribute, type and whether it is required. To make the
table again, after a new resource type in ``terraform/`` or a new provider::

    npm pack @cdktf/provider-google@16.12.1 && tar xzf cdktf-provider-google-16.12.1.tgz
    .venv/bin/python tests/terraform/stack/extract_schema.py package

It reads the compiled code: a class per block, whose getters name attribute and type; a table ``attrs`` that tells
blocks from attributes; and the typed interface next to it, in which ``readonly name: string`` is required and
``readonly name?:`` is not.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
TABLE = Path(__file__).with_name("google.json")

_TYPES = {
    "getStringAttribute": "string",
    "getNumberAttribute": "number",
    "getBooleanAttribute": "bool",
    "getListAttribute": "list(string)",
    "getNumberListAttribute": "list(number)",
    "getStringMapAttribute": "map(string)",
    "cdktf.StringMap": "map(string)",
    "cdktf.NumberMap": "map(number)",
    "cdktf.BooleanMap": "map(bool)",
}


class Resource:
    """The compiled code of one resource type."""

    def __init__(self, folder: Path) -> None:
        self.code = (folder / "index.js").read_text()
        self.types = (folder / "index.d.ts").read_text()
        self.name = _only(re.findall(r"^(\w+)\.tfResourceType = ", self.code, re.MULTILINE))
        self.classes = dict(re.findall(r"^class (\w+) extends .*?\{\n(.*?)^\}", self.code, re.MULTILINE | re.DOTALL))
        self.interfaces = dict(
            re.findall(r"^export interface (\w+)[^{\n]*\{\n(.*?)^\}", self.types, re.MULTILINE | re.DOTALL)
        )

    def block(self, name: str) -> dict[str, Any]:
        """Return attributes and blocks of the class of a block, or of the resource itself."""
        body = self.classes[name if name == self.name else name + "OutputReference"]
        required = self._required(name)
        found: dict[str, Any] = {"attributes": {}, "blocks": {}}
        for camel, set_of, getter, attribute in re.findall(
            r"get (\w+)\(\) \{\s+return (cdktf\.Fn\.tolist\()?this\.(get\w+Attribute)\('(\w+)'\)", body
        ):
            kind = _TYPES[getter].replace("list", "set") if set_of else _TYPES[getter]
            found["attributes"][attribute] = f"{self._use(required, camel)} {kind}"
        for camel, made_by, attribute in re.findall(r'this\._(\w+) = new ([\w.]+)\(this, "(\w+)"', body):
            if made_by in _TYPES:
                found["attributes"][attribute] = f"{self._use(required, camel)} {_TYPES[made_by]}"
                continue
            inner = re.sub(r"(OutputReference|List)$", "", made_by)
            if camel not in required:
                found["attributes"][attribute] = "computed list(object)"
                continue
            single = made_by.endswith("OutputReference")
            nesting = "single" if attribute == "timeouts" else self._nesting(name, attribute)
            found["blocks"][attribute] = {
                "nesting": nesting,
                "min": int(required[camel]),
                "max": 1 if single else 0,
                **self.block(inner),
            }
        return found

    def _required(self, name: str) -> dict[str, bool]:
        interface = self.interfaces.get(name + "Config" if name == self.name else name, "")
        return {camel: not optional for camel, optional in re.findall(r"readonly (\w+)(\??):", interface)}

    @staticmethod
    def _use(required: dict[str, bool], camel: str) -> str:
        return "computed" if camel not in required else "required" if required[camel] else "optional"

    def _nesting(self, name: str, attribute: str) -> str:
        """List or set, from the table of the block's own function, or of the resource."""
        if name == self.name:
            part = self.classes[name]
        else:
            function = f"function {name[0].lower()}{name[1:]}ToHclTerraform("
            part = self.code[self.code.index(function) :]
        block, kind = re.findall(
            rf'^ +{attribute}: \{{\s+value: [^\n]*\s+isBlock: (true|false),\s+type: "(\w+)"', part, re.MULTILINE
        )[0]
        if block != "true":
            raise ValueError(f"{name}.{attribute} is an attribute that holds objects: the table has no word for it.")
        return "list" if kind == "struct" else str(kind)


def configuration(package: Path) -> dict[str, str]:
    """Return the provider's own arguments, except blocks and the endpoints of its services."""
    code = (package / "lib/provider/index.js").read_text()
    kinds = {"string": "string", "number": "number", "boolean": "bool", "stringMap": "map(string)"}
    return {
        name: f"optional {kinds[kind]}"
        for name, kind in re.findall(
            r'^ +(\w+): \{\s+value: [^\n]*\s+isBlock: false,\s+type: "\w+",\s+storageClassType: "(\w+)"',
            code[code.index("    synthesizeHclAttributes()") :],
            re.MULTILINE,
        )
        if kind in kinds and not name.endswith("_custom_endpoint")
    }


def _only(found: list[str]) -> str:
    (one,) = found
    return one


def main(package: Path) -> None:
    """Write the table for every resource type that a ``.tf`` file names."""
    version = re.search(
        r"providers/hashicorp/google/([\d.]+)/", (package / "lib/storage-bucket/index.d.ts").read_text()
    )
    used = {
        name
        for file in sorted((ROOT / "terraform").rglob("*.tf"))
        for name in re.findall(r'^resource "(google_\w+)"', file.read_text(), re.MULTILINE)
    }
    resources = {}
    for name in sorted(used):
        resource = Resource(package / "lib" / name.removeprefix("google_").replace("_", "-"))
        resources[name] = resource.block(resource.name)
    table = {
        "provider": version[1] if version else "unknown",
        "configuration": configuration(package),
        "resources": resources,
    }
    TABLE.write_text(json.dumps(table, indent=1, sort_keys=True) + "\n")
    print(f"{TABLE.name}: google {table['provider']}, {len(resources)} resource types")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
