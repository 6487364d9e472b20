"""Compilation to machine code by numba, once for each machine and version of this package."""

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numba

_config: Final[Any] = numba.config


def _cache() -> Path | None:
    """Return the folder of what was compiled, or None if none can be written.

    Numba notices that the file of a function has changed, but not those of the functions that it calls: another version
    of any of them gets another folder.
    """
    if _config.CACHE_DIR:
        return Path(_config.CACHE_DIR)
    sources = b"".join(file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py")))
    try:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute()
        folder = root / "ticketsim" / f"compiled-{sha256(sources).hexdigest()[:12]}"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # the latter if there is no home
        return None
    return folder if os.access(folder, os.W_OK) else None


_CACHE: Final = _cache()
if _CACHE is not None:
    _config.CACHE_DIR = str(_CACHE)

#: Decorator of functions to compile when they are first called; without a cache in every process.
compiled: Final[Callable[..., Any]] = numba.njit(cache=_CACHE is not None, nogil=True, error_model="numpy")

#: Decorator of functions that become part of those that call them, where handing over tables costs more than the work.
inlined: Final[Callable[..., Any]] = numba.njit(inline="always", nogil=True, error_model="numpy")
