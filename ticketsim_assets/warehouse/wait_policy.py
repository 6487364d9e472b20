"""The wait policy: how long to wait for a warehouse that another process holds, and how to report it."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ticketsim_assets.exceptions import WarehouseBusy

#: Longer than an hourly run takes; a run that waits for a longer backfill fails and is retried.
RUN_WAIT_SECONDS: Final = 300.0

#: A person at a terminal waits for an hourly run; for a backfill a clear error is better than a longer wait.
PERSON_WAIT_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class WaitPolicy:
    """How long to wait for a warehouse that is in use, and whom to say it to."""

    seconds: float
    on_wait: Callable[[str], object]
    """Called once per wait with a sentence: who holds the warehouse, and the timeout."""

    def waiting(self, what: Path | str, holder: str) -> None:
        """Report that ``holder`` has ``what`` and that this process waits."""
        self.on_wait(f"{what} is held by {holder}: waiting up to {self.seconds:.0f} s")

    def exhausted(self, what: Path | str, holder: str) -> WarehouseBusy:
        """Return the error for a wait that timed out."""
        return WarehouseBusy(
            f"{what} is still held by {holder} after {self.seconds:.0f} s. "
            "Wait until that process has ended, or end it, and try again."
        )


def own_command() -> str:
    """Return the command of this process, for those who wait for it: ``ticketsim materialize``."""
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]])


#: Fail at once instead of waiting.
NO_WAIT: Final = WaitPolicy(0, lambda _: None)
