"""Child processes that do not outlive this one.

A killed run worker cannot end its dbt. dbt would keep writing to the warehouse for as long as its run takes (minutes
for a month of hours), while the next run, which the dead run's lock no longer stops, fails on a file that dbt has open.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

#: Its input ends without a line when this process is killed. A shell, because only Linux can end children by itself.
_GUARD: Final = 'read -r ended || kill -9 "$1"'


@contextmanager
def killed_with_parent(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill ``process`` as soon as this process is gone, whatever ended it, until the block is left."""
    with subprocess.Popen(["/bin/sh", "-c", _GUARD, "guard", str(process.pid)], stdin=subprocess.PIPE) as guard:
        try:
            yield
        finally:
            guard.communicate(b"ended\n")
