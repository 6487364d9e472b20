"""Signals that end a command."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import active_children
from types import FrameType
from typing import Final, NoReturn

import psutil

#: Seconds between two looks at a command that ends by itself; the second one is the first that may end it.
_LOOK_EVERY_S: Final = 0.6

#: Seconds of CPU of all processes, in two such times, below which nothing happens: they wait for somebody.
_IDLE_S: Final = 0.06

#: Seconds of CPU of one process after which a command that is to end does not.
_BUSY_S: Final = 1.5

_LOOKS: Final = 2

_STOPPING: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def ending_on_sigterm() -> Iterator[None]:
    """Let SIGTERM end the command as Ctrl-C does: its worker processes end, its temporary files go.

    A second one ends the process immediately.
    """

    def end(number: int, _: FrameType | None) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def stopping(received: list[int], on_give_up: Callable[[], object]) -> Iterator[None]:
    """Collect the first Ctrl-C or SIGTERM, after which the command ends by itself; the second one has its usual effect.

    If it does not end, because it waits for somebody or has too much to do, it is ended: in less than two seconds where
    it has a machine of its own, later where others leave it little.

    Args:
        received: The signal, once it has come.
        on_give_up: Callback before the command is ended.
    """
    before = {number: signal.getsignal(number) for number in (*_STOPPING, signal.SIGALRM)}
    looks: list[dict[int, float]] = []

    def receive(number: int, _: FrameType | None) -> None:
        received.append(number)
        restore()
        looks.append(_cpu_s())
        signal.signal(signal.SIGALRM, look)
        signal.setitimer(signal.ITIMER_REAL, _LOOK_EVERY_S, _LOOK_EVERY_S)

    def look(*_: object) -> None:
        looks.append(_cpu_s())
        if len(looks) <= _LOOKS:
            return
        first, before, now = looks[0], looks[-1 - _LOOKS], looks[-1]
        is_idle = sum(now.values()) - sum(before.values()) < _IDLE_S
        if is_idle or any(used - first.get(process, 0) > _BUSY_S for process, used in now.items()):
            signal.setitimer(signal.ITIMER_REAL, 0)
            on_give_up()
            raise SystemExit(128 + received[0])

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in _STOPPING:
        signal.signal(number, receive)
    try:
        yield
    finally:
        if received:
            signal.setitimer(signal.ITIMER_REAL, 0)
        restore()


def _cpu_s() -> dict[int, float]:
    """Return how much CPU this process and its workers have used, seconds by process id."""
    found = {}
    for number in (os.getpid(), *(child.pid for child in active_children() if child.pid is not None)):
        with suppress(psutil.NoSuchProcess):
            times = psutil.Process(number).cpu_times()
            found[number] = times.user + times.system
    return found
