"""Whether a process that was recorded by its id still lives: ids are given to other processes later."""

from typing import Final

import psutil

#: Systems derive a process's start from the clock, which may be set while it runs.
_CLOCK_TOLERANCE_S: Final = 60.0


def same_process(pid: int, create_time: float | None) -> bool:
    """Return whether process ``pid`` lives and is the recorded one.

    Args:
        pid: Its id.
        create_time: When it began, seconds since the Unix epoch; None in a record of an earlier release.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return create_time is None or abs(process.create_time() - create_time) < _CLOCK_TOLERANCE_S
    except psutil.NoSuchProcess:
        return False
