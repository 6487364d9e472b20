"""Worker processes that run replications; the results do not depend on their number."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from types import TracebackType
from typing import Final, Self

from simulator.exceptions import PlanError
from simulator.planning.replication import Observation, Replication, observe


class Workers:
    """Pool that runs replications in this process, or in several others that start when first needed."""

    def __init__(self, count: int) -> None:
        """Prepare ``count`` workers; a single worker is this process itself.

        Raises:
            PlanError: The count is below 1.
        """
        if count < 1:
            raise PlanError(f"Invalid number of workers: {count} workers; expected 1 or more.")
        # Spawned, not forked: the command line has threads (its progress), which a fork would copy half.
        self._pool: Final = ProcessPoolExecutor(count, mp_context=get_context("spawn")) if count > 1 else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def observe(self, replications: Sequence[Replication]) -> list[Observation]:
        """Run ``replications`` and return their observations in the same order."""
        return list((map if self._pool is None else self._pool.map)(observe, replications))
