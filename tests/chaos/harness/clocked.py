"""``ticketsim stream`` with a clock that a test sets: ``--clock=FILE`` holds how many hours it is off."""

import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from streaming.query.clock import system_clock
from streaming.query.runner import StreamConfig, run_stream
from ticketsim.commands.stream import _set_by_signals


@dataclass(frozen=True)
class OffClock:
    """The system's clock, off by what a file says."""

    file: str

    def __call__(self) -> int:
        return system_clock() + round(float(Path(self.file).read_text()) * 3_600_000_000)


def main() -> None:
    options = dict(option.removeprefix("--").split("=", 1) for option in sys.argv[1:])
    run_stream(
        StreamConfig(
            bootstrap=options["bootstrap"],
            lake=options["lake"],
            checkpoint=Path(options["checkpoint"]),
            trigger=timedelta(seconds=1),
            clock=OffClock(options["clock"]),
        ),
        stop=_set_by_signals(),
    )


if __name__ == "__main__":
    main()
