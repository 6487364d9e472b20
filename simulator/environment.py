"""SimPy environments whose time is integer microseconds since the Unix epoch."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep, time_ns
from typing import TYPE_CHECKING, Any, Final

import simpy
from simpy.core import StopSimulation
from simpy.events import NORMAL
from simpy.rt import RealtimeEnvironment

#: Longest sleep before checking whether the run was stopped.
_NAP_S: Final = 0.1

_US_PER_S: Final = 1_000_000


#: New objects between two collections of the youngest garbage; Python's own 700 are those of a bus.
_COLLECT_EVERY: Final = 50_000


@contextmanager
def rare_garbage_collection() -> Iterator[None]:
    """Look for reference cycles less often: a simulation makes none, and looking takes a fourteenth of its time."""
    before = gc.get_threshold()
    gc.set_threshold(_COLLECT_EVERY, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def wall_clock_us() -> int:
    """Return the current time, microseconds since the Unix epoch."""
    return time_ns() // 1000


@dataclass(frozen=True, slots=True)
class Lateness:
    """Lag of a paced simulation behind its pace, because the receiver or the machine is too slow; seconds."""

    present_s: float = 0.0  #: of the newest event
    largest_s: float = 0.0  #: of all so far

    @property
    def matters(self) -> bool:
        """Whether the largest lag exceeded ``MATERIAL_S``."""
        return self.largest_s >= MATERIAL_S


ON_TIME: Final = Lateness()

#: Shorter lags are normal on a busy machine and count as on time.
MATERIAL_S: Final = 1.0


if TYPE_CHECKING:

    class Environment(simpy.Environment):
        """Environment that runs as fast as possible."""

        @property
        def now(self) -> int:
            """Simulated time, microseconds since the Unix epoch."""
else:
    # SimPy prepares methods like timeout() for quick calls in its own classes only, not in subclasses of them.
    Environment = simpy.Environment


class PacedEnvironment(RealtimeEnvironment, Environment):
    """Environment that runs at ``pace`` simulated seconds per second, but never ahead of the wall clock.

    Once simulated time has caught up with the wall clock, it continues in real time. Late events are not skipped: the
    events after them follow without waiting until the simulation is on time again.
    """

    def __init__(self, start_us: int, pace: float, while_waiting: Callable[[], bool]) -> None:
        """Set the clock.

        Args:
            start_us: Simulated time at the start, microseconds since the Unix epoch.
            pace: Simulated seconds per second, above 0.
            while_waiting: Callback between short sleeps; the simulation stops when it returns false.
        """
        super().__init__(start_us, factor=1 / pace / _US_PER_S, strict=False)
        self._while_waiting: Final = while_waiting
        self._hurries = False
        self.lateness = ON_TIME

    def hurry(self) -> None:
        """Run as fast as possible from now on."""
        self._hurries = True

    def step(self) -> None:
        """Process the next event when it is due."""
        if self._hurries:
            Environment.step(self)
            return
        moment = self.peek()
        due = self.real_start + (moment - self.env_start) * self.factor
        while (delay := max(due - monotonic(), (moment - wall_clock_us()) / _US_PER_S)) > 0:
            if not self._while_waiting():
                raise StopSimulation(None)
            sleep(min(delay, _NAP_S))
        self.lateness = Lateness(-delay, max(-delay, self.lateness.largest_s))
        Environment.step(self)


class Steps(simpy.Timeout):
    """A process that only waits for time to pass, and that no other process waits for.

    It is one timeout, rescheduled for each wait. SimPy's own processes can wait for any event and pay for that with an
    event to begin, one to end and a new one for each wait: a quarter of this model's run time.
    """

    def __init__(self, env: Environment, waits: Iterator[int]) -> None:
        """Start immediately.

        Args:
            env: SimPy's environment.
            waits: Iterator that does the work and yields the time until its next step, microseconds; at least once.
        """
        super().__init__(env, next(waits))
        self.callbacks = _ON_TIMEOUT
        self.waits: Final = waits


def _next_step(steps: Any) -> None:
    """Take the next step, and wait for the one after it if there is one."""
    for wait in steps.waits:
        steps.callbacks = _ON_TIMEOUT
        steps.env.schedule(steps, NORMAL, wait)
        return


#: One list for all events: SimPy detaches it from a processed event and does not change it.
_ON_TIMEOUT: Final[list[Callable[[Any], None]]] = [_next_step]
