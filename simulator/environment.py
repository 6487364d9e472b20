"""SimPy's environments as this model uses them: time is integer microseconds since the Unix epoch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic, sleep, time_ns
from typing import TYPE_CHECKING, Any, Final

import simpy
from simpy.core import StopSimulation
from simpy.events import NORMAL
from simpy.rt import RealtimeEnvironment

#: The longest sleep before looking whether the run was stopped.
_NAP_S: Final = 0.1

_US_PER_S: Final = 1_000_000


def wall_clock_us() -> int:
    """Now, microseconds since the Unix epoch."""
    return time_ns() // 1000


@dataclass(frozen=True, slots=True)
class Lateness:
    """How far a paced simulation is behind its pace, because its receiver or the machine is too slow; seconds."""

    present_s: float = 0.0  #: of the newest event
    largest_s: float = 0.0  #: of all so far

    @property
    def matters(self) -> bool:
        """Whether it ever was more than hiccups of a busy machine are."""
        return self.largest_s >= MATERIAL_S


ON_TIME: Final = Lateness()

#: Below this a simulation is as good as on time.
MATERIAL_S: Final = 1.0


if TYPE_CHECKING:

    class Environment(simpy.Environment):
        """As fast as possible."""

        @property
        def now(self) -> int:
            """Simulated time, microseconds since the Unix epoch."""
else:
    # SimPy prepares methods like timeout() for quick calls in its own classes only, not in subclasses of them.
    Environment = simpy.Environment


class PacedEnvironment(RealtimeEnvironment, Environment):
    """At ``pace`` simulated seconds a second, but never ahead of the wall clock.

    Where simulated time has caught up with the wall clock it goes on at the wall clock's own pace. An event that comes
    later than it is due is not left out, and those behind it follow without a wait until none is late any more.
    """

    def __init__(self, start_us: int, pace: float, while_waiting: Callable[[], bool]) -> None:
        """Set the clock.

        Args:
            start_us: Simulated time at the start, microseconds since the Unix epoch.
            pace: Simulated seconds a second, above 0.
            while_waiting: Called between short sleeps; if it returns false the simulation stops.
        """
        super().__init__(start_us, factor=1 / pace / _US_PER_S, strict=False)
        self._while_waiting: Final = while_waiting
        self._hurries = False
        self.lateness = ON_TIME

    def hurry(self) -> None:
        """From now on, go as fast as possible."""
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
    """A process that waits for nothing but time to pass, and for which nobody waits.

    It is one timeout, set again for each wait. SimPy's own processes can wait for anything, for which they pay with an
    event to begin, one to end and a new one for each wait: a quarter of what this model would take with them.
    """

    def __init__(self, env: Environment, waits: Iterator[int]) -> None:
        """Begin at once.

        Args:
            env: SimPy's environment.
            waits: Does what is to be done, and gives the time until it wants to go on, microseconds; at least once.
        """
        super().__init__(env, next(waits))
        self.callbacks = _GO_ON
        self.waits: Final = waits


def _go_on(steps: Any) -> None:
    """Take the next step, and wait for the one after it if there is one."""
    for wait in steps.waits:
        steps.callbacks = _GO_ON
        steps.env.schedule(steps, NORMAL, wait)
        return


#: One list for all: SimPy takes it from an event whose time has come, and does not change it.
_GO_ON: Final[list[Callable[[Any], None]]] = [_go_on]
