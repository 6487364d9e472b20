"""Small file systems in memory, and what fills them."""

import subprocess
from contextlib import suppress
from pathlib import Path

#: What is left free, in bytes: the beginnings of a batch still find room.
_LEFT = 300_000


def mount(directory: Path, size: str) -> str | None:
    """Mount a file system of ``size``, like 16m; return why that is not possible here, if it is not."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", directory]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else None


def unmount(directory: Path) -> None:
    subprocess.run(["umount", "--lazy", directory], check=True)


def fill_up(directory: Path) -> Path:
    """Fill the disk with one file; return it, so that it can be removed."""
    filler = directory / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 65_536)
    with filler.open("r+b") as file:
        file.truncate(filler.stat().st_size - _LEFT)
    return filler
