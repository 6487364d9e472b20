"""How long to wait for a warehouse that somebody else holds, and whom to say it to."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ticketsim_assets.exceptions import WarehouseBusy

#: Longer than an hourly run; a backfill of a month that takes longer is better asked to come back.
RUN_WAIT_SECONDS: Final = 300.0

#: A person at a terminal waits for an hourly run, and would rather be told than wait for a backfill.
PERSON_WAIT_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class WaitPolicy:
    """How long to wait for a warehouse that is in use, and whom to say it to."""

    seconds: float
    on_wait: Callable[[str], object]
    """Gets one sentence, once per wait: who holds the warehouse, and how long it is waited for."""

    def waiting(self, what: Path | str, holder: str) -> None:
        """Say that ``what`` is waited for because ``holder`` has it."""
        self.on_wait(f"{what} is held by {holder}: waiting up to {self.seconds:.0f} s")

    def exhausted(self, what: Path | str, holder: str) -> WarehouseBusy:
        """The error after waiting in vain."""
        return WarehouseBusy(
            f"{what} is held by {holder}, after {self.seconds:.0f} s of waiting. "
            "Wait until it has ended, or end it, and try again."
        )


def own_command() -> str:
    """What this process was started as, for those who wait for it: ``ticketsim materialize``."""
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]])


#: For who would rather know at once.
NO_WAIT: Final = WaitPolicy(0, lambda _: None)
