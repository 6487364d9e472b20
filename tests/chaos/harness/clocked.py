"""``ticketsim stream`` with a clock that is as many hours off as its first option, ``--clock=FILE``, says."""

import sys
from dataclasses import dataclass
from pathlib import Path

from streaming.query import clock
from streaming.query.clock import Clock
from ticketsim.cli import main


@dataclass(frozen=True)
class OffClock:
    """A clock that is off by what a file says."""

    right: Clock
    file: str

    def __call__(self) -> int:
        return self.right() + round(float(Path(self.file).read_text()) * 3_600_000_000)


if __name__ == "__main__":
    file = sys.argv.pop(1).removeprefix("--clock=")
    # Before the runner is imported, which takes the clock from there.
    clock.system_clock = OffClock(clock.system_clock, file)
    sys.argv[1:1] = ["stream", "--json"]
    main()
