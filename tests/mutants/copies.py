"""Copies of the repository as it is in the working tree, whose modules are imported instead of the installed ones."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ..node_ids import ROOT

#: What the environment has installed in place: our own packages, by a reference to the repository.
PACKAGES: Final = ("simulator", "streaming", "ticketsim_assets", "ticketsim")

_LOCATE: Final = f"import {', '.join(PACKAGES)}; print(*(p.__file__ for p in ({', '.join(PACKAGES)})), sep='\\n')"


class NotTheCopy(Exception):
    """A process that was to import a copy's modules imports others."""


@contextmanager
def copy_of_the_repository() -> Iterator[Path]:
    """Copy all files that are tracked or not ignored into a temporary folder, which is removed in the end."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    with tempfile.TemporaryDirectory(prefix="ticketsim-mutant-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder).resolve() / "copy"
        for name in {*listed.stdout.split("\0")} - {""}:
            if (ROOT / name).is_file():  # it may have been deleted, and not be staged
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, copy / name)
        yield copy


def environment_of(copy: Path) -> Mapping[str, str]:
    """Return the environment of a process that imports the modules of ``copy``, as all processes do that it starts."""
    return {**os.environ, "PYTHONPATH": str(copy)}


def require_imported(copy: Path) -> None:
    """Ask a process that starts in another folder where our modules come from, as commands of tests do.

    Raises:
        NotTheCopy: One of them is not below ``copy``.
    """
    asked = subprocess.run(
        [sys.executable, "-c", _LOCATE],
        cwd=copy.parent,
        env=environment_of(copy),
        capture_output=True,
        text=True,
        check=True,
    )
    elsewhere = [file for file in asked.stdout.splitlines() if not Path(file).is_relative_to(copy)]
    if elsewhere:
        raise NotTheCopy(f"Mutants would not be seen: {elsewhere} would be imported instead of what is in {copy}.")
