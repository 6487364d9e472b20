"""What processes that work for others have in common: signals are their parent's business, and they end with it."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process
from multiprocessing.resource_tracker import ensure_running
from threading import Thread
from time import sleep
from typing import Final

#: Each process takes about a hundred megabytes, and more than the machine has cores are of no use.
MOST_WORKERS: Final = 128

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def signals_blocked() -> Iterator[None]:
    """Block Ctrl-C and SIGTERM in processes started here: signals reach the whole group, the parent stops them."""
    ensure_running()  # otherwise the first process to start unblocks the signals
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with_parent(grace_s: float = 0.0) -> None:
    """End this process when its parent has ended, even if that was killed.

    Args:
        grace_s: Seconds that this process then has to end by itself.
    """
    parent = parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            sleep(grace_s)
            os.kill(os.getpid(), signal.SIGKILL)

    Thread(target=follow, name="end with the parent", daemon=True).start()
