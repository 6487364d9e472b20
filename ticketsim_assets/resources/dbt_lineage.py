"""The marts that follow from an event type, by dbt's own graph: its manifest, read without dbt."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

PROJECT_DIR: Final = Path(__file__).parents[2] / "dbt"

_SOURCE: Final = "source.ticketsim.raw.events"
_MARTS: Final = "marts"
_STAGING: Final = "staging"


@dataclass(frozen=True, slots=True)
class Mart:
    """A table or view that readers see."""

    name: str
    columns: frozenset[str]
    is_view: bool
    holds_rows: bool  #: it is made of nothing but staged events, a row of each

    @property
    def table(self) -> str:
        """Schema and name."""
        return f"{_MARTS}.{self.name}"


def parsed_path(engine: str) -> str:
    """Return where dbt parses the project, relative to it: what it parses depends on the engine."""
    return "target" if engine == "duckdb" else f"target/{engine}"


def read_manifest(engine: str) -> Mapping[str, Any] | None:
    """Return the manifest of the last parse; None if the project was never parsed here."""
    path = PROJECT_DIR / parsed_path(engine) / "manifest.json"
    try:
        manifest: Mapping[str, Any] = msgspec.json.decode(path.read_bytes())
    except FileNotFoundError:
        return None
    return manifest


def marts_of(manifest: Mapping[str, Any], event_type: str) -> list[Mart]:
    """Return the marts that follow from the events of a type, in the order in which dbt may build them."""
    children = manifest["child_map"]
    staged = [child for child in children[_SOURCE] if child.endswith(f".stg_{event_type}")]
    found: dict[str, None] = {}
    for model in _downstream(children, staged):
        found.pop(model, None)  # what several ways lead to stands behind all of them
        found[model] = None
    nodes = (manifest["nodes"][model] for model in found)
    return [_mart(manifest, node) for node in nodes if node["config"]["schema"] == _MARTS]


def _downstream(children: Mapping[str, list[str]], models: list[str]) -> Iterator[str]:
    for model in models:
        yield model
        yield from _downstream(children, [child for child in children[model] if child.startswith("model.")])


def _mart(manifest: Mapping[str, Any], node: Mapping[str, Any]) -> Mart:
    columns = frozenset(node["columns"])
    parents = [manifest["nodes"].get(parent) for parent in node["depends_on"]["nodes"]]
    staged = all(parent is not None and parent["config"]["schema"] == _STAGING for parent in parents)
    return Mart(node["name"], columns, node["config"]["materialized"] == "view", "event_id" in columns and staged)
