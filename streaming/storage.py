"""Storage of lake and checkpoint: a directory or ``gs://bucket/prefix``, and how files there are read and written.

The difference is made here and nowhere else. Files are accessed through fsspec and universal-pathlib, so that a path in
a bucket behaves like one on a disk. STORAGE_EMULATOR_HOST, which all of Google's clients read, selects an emulator.

A location is a plain path; it is never written as a URI. Where a library answers with a URI, ``location_of`` decodes
it, and where one takes a location inside of SQL, ``spark_table`` quotes it. What no quoting cures is refused by
``require_usable``, before anything is started.
"""

import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from upath import UPath

from streaming.exceptions import LocationRefused
from streaming.path_characters import require_readable

_BUCKETS: Final = "gs://"

#: A URI that is not supported, or one that a path was made of: then it stands behind the working directory.
_OTHER_URI: Final = re.compile(r"(^|(?<=/))(?!gs://)[a-z][a-z0-9+]*:/")

_WITH_BUCKET: Final = re.compile(r"gs://[a-z0-9][a-z0-9._-]*(/|$)")

#: Bytes of a name, as the file systems of Linux and macOS have it.
_LONGEST_NAME: Final = 255

#: Each batch writes files that a cached listing would not show.
_FRESH_LISTINGS: Final = {"use_listings_cache": False}


def in_bucket(location: str) -> bool:
    """Return whether ``location`` is in Google Cloud Storage."""
    return location.startswith(_BUCKETS)


def absolute(location: str | Path | UPath, name: str = "the location") -> str:
    """Return ``location`` in a form that means the same in every process.

    Args:
        location: A directory or ``gs://bucket/prefix``.
        name: What it was given as, for the message, such as ``TICKETSIM_HOME``.

    Raises:
        LocationRefused: It begins with the home of an unknown user, or its links lead in a circle.
    """
    text = str(location)
    if in_bucket(text):
        return _BUCKETS + text.removeprefix(_BUCKETS).rstrip("/")
    try:
        return str(Path(text).expanduser().resolve())
    except (RuntimeError, OSError) as error:
        raise LocationRefused(f"{name} is {text!r}. {str(error).rstrip('.')}; write its whole path.") from None


def location_of(uri: str) -> str:
    """Return the location that a library writes as ``uri``: ``file:///a%20b/`` is ``/a b``."""
    return (unquote(urlsplit(uri).path) if uri.startswith("file://") else uri).rstrip("/")


def spark_table(location: str) -> str:
    """Return the Delta table at ``location`` as Spark SQL names it."""
    return f"delta.`{location.replace('`', '``')}`"


def require_usable(location: str, name: str) -> None:
    """Refuse a location that a library would misread.

    Args:
        location: An absolute path, or ``gs://bucket/prefix``.
        name: What the location was given as, for the message, such as ``TICKETSIM_HOME``.

    Raises:
        LocationRefused: It has such a character, is not UTF-8, is another kind of URI, or leads through a file.
    """
    if kind := _OTHER_URI.search(location):
        raise LocationRefused(f"{name} is {location!r}. Name a directory or gs://bucket/prefix, not {kind[0]}.")
    require_readable(location, name)
    if in_bucket(location):
        if not _WITH_BUCKET.match(location):
            raise LocationRefused(f"{name} is {location!r}, which names no bucket. Write gs://bucket/prefix.")
        return
    if too_long := next((part for part in Path(location).parts if len(os.fsencode(part)) > _LONGEST_NAME), None):
        raise LocationRefused(f"{name} is {location!r}. Choose a shorter name than {too_long!r}.")
    existing = next(path for path in (Path(location), *Path(location).parents) if os.path.lexists(path))
    if not existing.is_dir():
        raise LocationRefused(f"{name} is {location!r}, but {existing} is not a directory. Choose another one.")


def usable(location: str | Path | UPath, name: str) -> str:
    """Return ``location`` as ``absolute`` does, refused as by ``require_usable``.

    Raises:
        LocationRefused: See there.
    """
    found = absolute(location, name)
    require_usable(found, name)
    return found


def emulator() -> str | None:
    """Return the address of the Google Cloud Storage emulator, ``http://host:port``; None if there is none."""
    host = os.environ.get("STORAGE_EMULATOR_HOST", "").rstrip("/")
    return None if not host else host if "://" in host else f"http://{host}"


def path_of(location: str) -> UPath:
    """Return ``location`` as a path, on a disk or in a bucket."""
    if not in_bucket(location):
        return UPath(location)
    # The emulator has no logins; Google's credentials come from the environment.
    nobody = {"token": "anon", "endpoint_url": endpoint} if (endpoint := emulator()) else {}
    options: dict[str, Any] = {**_FRESH_LISTINGS, **nobody}
    return UPath(location, **options)


def identity(path: UPath) -> tuple[int, int] | None:
    """Return what tells a file from a later one of the same name; None if there is no file."""
    try:
        if isinstance(path, Path):
            found = path.stat()
            return found.st_ino, found.st_mtime_ns
        return int(path.fs.info(path.path)["generation"]), 0
    except FileNotFoundError:
        return None


def modified_at(path: UPath) -> float:
    """Return when a file was last written, seconds since the epoch."""
    return float(path.stat().st_mtime)


def write_atomically(path: UPath, text: str) -> None:
    """Write ``text`` so that no reader ever sees only a part of it."""
    if not isinstance(path, Path):
        path.write_text(text, encoding="utf-8")  # objects appear as a whole
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def set_aside(folder: UPath, vital: str) -> UPath | None:
    """Rename ``folder`` to a name with the time in it; an interruption at any point loses nothing.

    Objects in a bucket cannot be renamed: they are copied and then removed, the vital one first.

    Args:
        folder: The folder, which need not exist.
        vital: The name of a file without which the folder counts as incomplete.

    Returns:
        The new location; None if there was nothing to rename.
    """
    if not folder.exists() or not any(folder.iterdir()):
        return None
    aside = folder.with_name(f"{folder.name}.aside-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    if isinstance(folder, Path):
        return folder.rename(aside)
    folder.fs.copy(folder.path, aside.path, recursive=True)
    with suppress(FileNotFoundError):
        folder.fs.rm_file((folder / vital).path)
    folder.fs.rm(folder.path, recursive=True)
    return aside


def arrow_filesystem(location: str) -> Any:
    """Return the ``filesystem`` with which pyarrow reads ``location``; None for its default."""
    return path_of(location).fs if in_bucket(location) else None
