"""The browser tests' Chromium; ``python -m ticketsim.stack.chromium`` finds or installs one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from ticketsim.exceptions import NoChromium

#: Names of the executable on various systems.
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

_MAC: Final = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"

_CURE: Final = "Install it (Debian: apt-get install chromium) or set TICKETSIM_CHROMIUM to its executable."


def find_chromium() -> Path | None:
    """Find the Chromium of TICKETSIM_CHROMIUM, of the system or of playwright; None if none of them runs.

    Raises:
        NoChromium: The executable of TICKETSIM_CHROMIUM does not run.
    """
    if chosen := os.environ.get("TICKETSIM_CHROMIUM"):
        if not _runs(chosen):
            raise NoChromium(f"TICKETSIM_CHROMIUM is {chosen}, which does not run. {_CURE}")
        return Path(chosen)
    for name in (*_NAMES, _MAC):
        found = shutil.which(name)
        if found and _runs(found):
            return Path(found)
    return _of_playwright()


def ensure_chromium() -> Path:
    """Find Chromium or install it, by apt-get for root, else by playwright.

    Raises:
        NoChromium: There is none and it cannot be installed.
    """
    if found := find_chromium():
        return found
    for command in _installers():
        # Their output is progress; stdout is reserved for the result.
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
    if found := find_chromium():
        return found
    raise NoChromium(f"There is no Chromium on this machine and it cannot be installed. {_CURE}")


def _installers() -> list[list[str]]:
    if os.geteuid() == 0 and shutil.which("apt-get"):
        return [["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium"]]
    return [[sys.executable, "-m", "playwright", "install", "chromium"]]


def _runs(executable: str) -> bool:
    """Return whether it prints its version: some systems have stubs of that name that only point to a store."""
    try:
        return subprocess.run([executable, "--version"], capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _of_playwright() -> Path | None:
    asked = "from playwright.sync_api import sync_playwright as p\nwith p() as q: print(q.chromium.executable_path)"
    answer = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=False)
    path = Path(answer.stdout.strip() or "/nowhere")
    return path if answer.returncode == 0 and _runs(str(path)) else None


if __name__ == "__main__":
    try:
        print(ensure_chromium())
    except NoChromium as error:
        sys.exit(f"error: {error}")
