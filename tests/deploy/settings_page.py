"""The tables of docs/settings.md that follow from the settings objects; as a script, it writes them into the page."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from simulator.kafka_settings import KafkaSettings
from ticketsim_assets.settings import Settings, Values

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"

TABLES: dict[str, type[BaseSettings]] = {"Settings": Settings, "KafkaSettings": KafkaSettings}

_BETWEEN = r"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)"


def fields(settings: type[BaseSettings]) -> Iterator[tuple[str, str, str]]:
    """Yield variable, default and meaning of each field: the docstring below it, and the values that it may have."""
    [tree] = ast.parse(textwrap.dedent(inspect.getsource(settings))).body
    assert isinstance(tree, ast.ClassDef)
    described = {
        one.target.id: inspect.cleandoc(ast.literal_eval(next_one.value))
        for one, next_one in zip(tree.body, tree.body[1:], strict=False)
        if isinstance(one, ast.AnnAssign) and isinstance(next_one, ast.Expr) and isinstance(one.target, ast.Name)
    }
    for name, field in settings.model_fields.items():
        default = "" if field.default in (None, "") else str(field.default)
        meaning = " ".join(described[name].split()).replace("``", "`")
        for values in (each for each in _metadata(field) if isinstance(each, Values)):
            meaning += f" Values: {values.words}."
        yield f"{settings.model_config['env_prefix']}{name.upper()}", default, meaning


def _metadata(field: FieldInfo) -> list[Any]:
    """Return what a field's type is annotated with, also if it may be None."""
    return [*field.metadata, *(each for one in get_args(field.annotation) for each in getattr(one, "__metadata__", ()))]


def table(settings: type[BaseSettings]) -> str:
    rows = (
        f"| `{name}` | {f'`{default}`' if default else ''} | {text} |\n" for name, default, text in fields(settings)
    )
    return "| variable | default | meaning |\n| --- | --- | --- |\n" + "".join(rows)


def with_tables(page: str) -> str:
    """Return the page with its generated tables as the settings objects are now."""
    for name, settings in TABLES.items():
        pattern, new = _BETWEEN.format(name=name), table(settings)
        page, changed = re.subn(pattern, lambda found, new=new: found[1] + new + found[2], page, flags=re.DOTALL)
        assert changed == 1, f"{PAGE} has no place for {name}"
    return page


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
