"""Characters that no path of ours may have, because a library reads them as something else.

This module needs the standard library alone: the jars are resolved before most packages are installed.
"""

import unicodedata
from pathlib import Path
from typing import Final

from streaming.exceptions import LocationRefused

#: Characters that a library takes for something else, wherever they stand in a path; found by trying all of ASCII.
_MISREAD: Final = {
    "%": "Delta Lake decodes as an escaped character",
    "\\": "Delta Lake reads as a slash",
    **dict.fromkeys("[]^|", "Delta Lake has no URL for"),
    "?": "DuckDB takes for the beginning of options",
    "=": "DuckDB takes for a column's value, instead of the rows' own",
    "#": "dbt takes for the beginning of a URL's fragment",
}

_IN_CLASS_PATHS: Final = {":": "separates the entries of a class path"}

#: Characters of class paths and of lists, in the paths of what a JVM is started with.
_SEPARATORS: Final = {
    **_IN_CLASS_PATHS,
    ",": "separates the entries of Spark's lists",
    **dict.fromkeys("*{}", "Spark takes for a pattern"),
}


def require_readable(location: str, name: str) -> None:
    """Refuse a location with a character that a library would misread, or that is not text.

    Args:
        location: A path, or ``gs://bucket/prefix``.
        name: What the location was given as, for the message, such as ``TICKETSIM_HOME``.

    Raises:
        LocationRefused: It has such a character.
    """
    _refuse(location, name, _MISREAD)


def require_startable(path: Path, name: str) -> None:
    """Refuse a path of jars or of temporary files that a JVM, or Spark, would take apart.

    Raises:
        LocationRefused: It has a character that separates or matches paths.
    """
    _refuse(str(path), name, _MISREAD | _SEPARATORS)


def require_on_class_path(path: Path, name: str) -> None:
    """Refuse a path that cannot stand in a class path.

    Raises:
        LocationRefused: It has a colon.
    """
    _refuse(str(path), name, _IN_CLASS_PATHS)


def _refuse(location: str, name: str, misread: dict[str, str]) -> None:
    for character in location:
        if why := _unusable(character, misread):
            raise LocationRefused(f"{name} is {location!r}. Choose a path without {why}.")


def _unusable(character: str, misread: dict[str, str]) -> str | None:
    if (why := misread.get(character)) is not None:
        return f"{character}, which {why}"
    match unicodedata.category(character):
        case "Cc":
            return f"the control character {character!r}"
        case "Cs":
            return f"{character!r}, a byte that is not UTF-8"
    return None
