"""Worker processes that run replications; the results do not depend on their number."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Final, Self, TypeVar

from simulator.display import shown
from simulator.exceptions import PlanError
from simulator.planning.replication import Replication
from simulator.processes import MOST_WORKERS, end_with_parent, signals_blocked

Observed = TypeVar("Observed")

#: No more processes are started: a trial runs at most as many replications at a time.
_MOST_PROCESSES: Final = 24

#: Processes take a second to start, in which this process simulates about as many visitors.
_WORTH_STARTING: Final = 2_000_000


class Workers:
    """Pool that runs replications in this process, or in several others that start when first needed.

    None of them outlives the context; if it is left by an exception, replications under way are not waited for.
    """

    def __init__(self, count: int) -> None:
        """Prepare ``count`` workers; a single worker is this process itself.

        Raises:
            PlanError: The count is below 1, or beyond what machines have.
        """
        if not 1 <= count <= MOST_WORKERS:
            raise PlanError(f"Invalid number of workers: {shown(count)} workers; expected 1 to {MOST_WORKERS}.")
        # Spawned, not forked: the command line has threads (its progress), which a fork would copy half.
        self._pool: Final = (
            ProcessPoolExecutor(min(count, _MOST_PROCESSES), get_context("spawn"), initializer=end_with_parent)
            if count > 1
            else None
        )
        self._others: Final = set(active_children())
        self._started: set[BaseProcess] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._pool is not None:
            for process in self._started if kind is not None else ():
                process.kill()
            self._pool.shutdown(cancel_futures=True)

    def observe(
        self, observed: Callable[[Replication], Observed], replications: Sequence[Replication]
    ) -> list[Observed]:
        """Run ``replications`` and return what is observed in each, in the same order.

        Raises:
            PlanError: A worker process was killed.
        """
        few = not self._started and sum(replication.visitors for replication in replications) < _WORTH_STARTING
        if self._pool is None or few:
            return [observed(replication) for replication in replications]
        with signals_blocked():
            running = [self._pool.submit(observed, replication) for replication in replications]
            self._started |= set(active_children()) - self._others
        try:
            return [future.result() for future in running]
        except BrokenProcessPool as error:
            raise PlanError(
                "A worker process of the plan was killed, perhaps for lack of memory. Run it with fewer --workers."
            ) from error
