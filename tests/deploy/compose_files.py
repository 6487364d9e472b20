"""Compose files, read as Compose reads them as far as ours need it: merge keys, ${VARIABLES}, what refers to what."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?:(:?[-?])([^}]*))?\})")


def load(path: Path) -> dict[str, Any]:
    """Return the file as a tree; YAML's merge keys are resolved."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def variables(text: str) -> set[str]:
    """Return the names of the variables that are interpolated."""
    return {found.group(1) for found in _VARIABLE.finditer(text) if found.group(1)}


def interpolated(tree: Any, values: Mapping[str, str]) -> Any:
    """Return the tree with ``${NAME}``, ``${NAME:-default}`` and ``${NAME:?}`` filled in, ``$$`` as one ``$``."""

    def fill(found: re.Match) -> str:
        name, operator, word = found.groups()
        if name is None:
            return "$"
        if value := values.get(name):
            return value
        assert operator in ("-", ":-"), f"{name} is not set"
        return word

    match tree:
        case str():
            return _VARIABLE.sub(fill, tree)
        case list():
            return [interpolated(each, values) for each in tree]
        case dict():
            return {key: interpolated(value, values) for key, value in tree.items()}
    return tree


def dangling(tree: Mapping[str, Any]) -> Iterator[str]:
    """Yield each reference of a service to something that the file lacks, as Compose's own loader would reject it."""
    services = tree["services"]
    for name, service in services.items():
        for other, how in _as_mapping(service.get("depends_on")).items():
            if other not in services:
                yield f"{name} depends on service {other}, which is not there"
                continue
            condition = (how or {}).get("condition", "service_started")
            if condition == "service_healthy" and "healthcheck" not in services[other]:
                yield f"{name} waits for service {other} to be healthy, which has no health check"
            ends = str(services[other].get("restart", "no")).startswith(("no", "on-failure"))
            if condition == "service_completed_successfully" and not ends:
                yield f"{name} waits for service {other} to end, which is started again for ever"
        for kind in ("networks", "secrets", "configs", "volumes"):
            for used in service.get(kind, ()):
                source = _source(used)
                if source.startswith(("/", ".", "~", "$")) or (kind, source) == ("networks", "default"):
                    continue
                if source not in tree.get(kind, {}):
                    yield f"{name} uses {kind[:-1]} {source}, which is not defined"
    for kind in ("secrets", "volumes", "networks"):
        used = {_source(each) for service in services.values() for each in service.get(kind, ())}
        for defined in tree.get(kind) or {}:
            if defined not in used:
                yield f"{kind[:-1]} {defined} is defined, and no service uses it"


def environment(service: Mapping[str, Any]) -> dict[str, str]:
    """Return a service's environment, whichever way it is spelled."""
    given = service.get("environment") or {}
    if isinstance(given, list):
        return dict(each.partition("=")[::2] for each in given)
    return given


def _as_mapping(given: Any) -> dict[str, Any]:
    return given if isinstance(given, dict) else dict.fromkeys(given or ())


def _source(used: Any) -> str:
    return used.get("source", "") if isinstance(used, dict) else str(used).split(":")[0]
