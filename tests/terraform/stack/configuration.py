"""``terraform/`` as data: its blocks, read by python-hcl2."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import hcl2

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Resource:
    """One ``resource`` block."""

    file: Path
    type: str
    name: str
    body: dict[str, Any]
    local: dict[str, Any]  #: ``locals`` of its module

    def __str__(self) -> str:
        return f"{self.file.parent.name}/{self.file.name}: {self.type}.{self.name}"

    def value(self, attribute: str) -> Any:
        """Return an argument; ``local.x`` is resolved."""
        return self._resolved(self.body.get(attribute))

    def blocks(self, *path: str) -> list[dict[str, Any]]:
        """Return the blocks at ``path``, ``dynamic`` ones among them."""
        found = [self.body]
        for name in path:
            found = [inner for body in found for inner_name, inner in nested_blocks(body) if inner_name == name]
        return found

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._resolved(item) for item in value]
        if isinstance(value, str) and (named := re.fullmatch(r"\$\{local\.(\w+)\}", value)):
            return self.local[named[1]]
        return value


@dataclass(frozen=True)
class Configuration:
    """The configuration in a folder and below."""

    files: dict[Path, dict[str, Any]]

    @classmethod
    def read(cls, folder: Path) -> "Configuration":
        """Parse every ``.tf`` file; one that cannot be parsed is an error of python-hcl2's."""
        return cls({file: _parsed(file.read_text()) for file in sorted(folder.rglob("*.tf"))})

    def resources(self, kind: str | None = None) -> list[Resource]:
        """Return the resources, or those of one type."""
        return [resource for resource in self._resources() if kind in {None, resource.type}]

    def literals(self) -> Iterator[tuple[Path, str]]:
        """Return every string in a resource, a local or a module call, the parts of expressions included."""
        for file, parsed in self.files.items():
            for kind in ("resource", "locals", "module"):
                for text in _strings(parsed.get(kind, [])):
                    yield file, text

    def modules(self) -> dict[str, dict[str, Any]]:
        """Return the calls of modules, by name."""
        return {
            name: body
            for parsed in self.files.values()
            for block in parsed.get("module", [])
            for name, body in block.items()
        }

    def _resources(self) -> Iterator[Resource]:
        for file, parsed in self.files.items():
            local = {
                name: value
                for other, beside in self.files.items()
                if other.parent == file.parent
                for block in beside.get("locals", [])
                for name, value in block.items()
            }
            for block in parsed.get("resource", []):
                for kind, named in block.items():
                    for name, body in named.items():
                        yield Resource(file, kind, name, body, local)


@cache  # of the many copies that tests break, all files but one are the same
def _parsed(text: str) -> dict[str, Any]:
    return dict(_plain(hcl2.loads(text)))


def nested_blocks(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the blocks in a block, by name; of a ``dynamic`` one its content."""
    for name, value in body.items():
        if not is_blocks(value):
            continue
        for block in value:
            if name == "dynamic":
                ((dynamic, made),) = block.items()
                yield dynamic, made["content"][0]
            else:
                yield name, block


def is_blocks(value: Any) -> bool:
    """Return whether ``value`` stands for blocks, not for an argument."""
    return isinstance(value, list) and any(isinstance(item, _Block) for item in value)


class _Block(dict[str, Any]):
    """A block's body, as opposed to an object."""


def _plain(value: Any) -> Any:
    """Strip the quotes and marks that python-hcl2 keeps for writing the file again."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        inner = {_plain(name): _plain(item) for name, item in value.items() if not name.startswith("__")}
        labelled = value.keys() - {"__comments__"} and all(
            isinstance(item, dict) and "__is_block__" in item
            for name, item in value.items()
            if not name.startswith("__")
        )
        return _Block(inner) if "__is_block__" in value or (inner and labelled) else inner
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, str):
        yield value
