"""Storage of lake and checkpoint: a directory or ``gs://bucket/prefix``, and how files there are read and written.

The difference is made here and nowhere else. Files are accessed through fsspec and universal-pathlib, so that a path in
a bucket behaves like one on a disk. STORAGE_EMULATOR_HOST, which all of Google's clients read, selects an emulator.
"""

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from upath import UPath

_BUCKETS: Final = "gs://"

#: Each batch writes files that a cached listing would not show.
_FRESH_LISTINGS: Final = {"use_listings_cache": False}


def in_bucket(location: str) -> bool:
    """Return whether ``location`` is in Google Cloud Storage."""
    return location.startswith(_BUCKETS)


def absolute(location: str | Path | UPath) -> str:
    """Return ``location`` in a form that means the same in every process."""
    text = str(location)
    return text.rstrip("/") if in_bucket(text) else str(Path(text).expanduser().resolve())


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
