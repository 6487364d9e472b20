"""Where lake and checkpoint lie, a directory or ``gs://bucket/prefix``, and how files there are read and written.

The location decides, here and nowhere else. Files are reached through fsspec and universal-pathlib: a path in a bucket
behaves as one on a disk. Whether Google Cloud Storage is Google's or an emulator of it, the variable that all clients
of Google's know decides: STORAGE_EMULATOR_HOST.
"""

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from upath import UPath

_BUCKETS: Final = "gs://"

#: Each batch writes names that a listing made before does not know.
_FRESH_LISTINGS: Final = {"use_listings_cache": False}


def in_bucket(location: str) -> bool:
    """Whether ``location`` is in Google Cloud Storage."""
    return location.startswith(_BUCKETS)


def absolute(location: str | Path | UPath) -> str:
    """``location`` so that it means the same in every process."""
    text = str(location)
    return text.rstrip("/") if in_bucket(text) else str(Path(text).expanduser().resolve())


def emulator() -> str | None:
    """Where an emulator listens that stands in for Google Cloud Storage, ``http://host:port``; None: there is none."""
    host = os.environ.get("STORAGE_EMULATOR_HOST", "").rstrip("/")
    return None if not host else host if "://" in host else f"http://{host}"


def path_of(location: str) -> UPath:
    """``location`` as a path: that of a disk, or one that behaves as such."""
    if not in_bucket(location):
        return UPath(location)
    # The emulator knows nobody; at Google the environment says who we are.
    nobody = {"token": "anon", "endpoint_url": endpoint} if (endpoint := emulator()) else {}
    options: dict[str, Any] = {**_FRESH_LISTINGS, **nobody}
    return UPath(location, **options)


def identity(path: UPath) -> tuple[int, int] | None:
    """What tells a file from one of the same name that was written later; None if there is none."""
    try:
        if isinstance(path, Path):
            found = path.stat()
            return found.st_ino, found.st_mtime_ns
        return int(path.fs.info(path.path)["generation"]), 0
    except FileNotFoundError:
        return None


def write_atomically(path: UPath, text: str) -> None:
    """Write ``text`` so that no reader ever sees a part of it."""
    if not isinstance(path, Path):
        path.write_text(text, encoding="utf-8")  # objects appear as a whole
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def set_aside(folder: UPath, vital: str) -> UPath | None:
    """Give ``folder`` another name, with the time in it; nothing is lost, whenever it is interrupted.

    Objects in a bucket cannot be renamed: they are copied, and then removed, the one that ``folder`` is worth nothing
    without first.

    Args:
        folder: It need not exist.
        vital: The name in it without which what is left is seen to be a rest.

    Returns:
        Where it is now; None if there was nothing.
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
    """The ``filesystem`` with which pyarrow reads ``location``; None for the one that it takes by itself."""
    return path_of(location).fs if in_bucket(location) else None
