"""Child processes that do not outlive this one.

A run's worker that is killed cannot end its dbt. dbt would go on to write to the warehouse for as long as its run takes
(a month of hours: minutes), while the next run, which the lock of the dead one no longer stops, fails on a file that
dbt has open.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

#: Its input ends without a line when we are killed. A shell, because Linux alone ends children by itself.
_GUARD: Final = 'read -r ended || kill -9 "$1"'


@contextmanager
def killed_with_parent(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Meanwhile ``process`` is killed as soon as this process is gone, whatever ended it."""
    with subprocess.Popen(["/bin/sh", "-c", _GUARD, "guard", str(process.pid)], stdin=subprocess.PIPE) as guard:
        try:
            yield
        finally:
            guard.communicate(b"ended\n")
