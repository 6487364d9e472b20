"""The choice of an engine, by what is asked for, what is installed and how much there is to simulate."""

from importlib.util import find_spec
from typing import Final, Literal

from simulator.engine import EngineName
from simulator.exceptions import EngineRefused
from simulator.run import Run

EngineChoice = Literal["auto", "simpy", "fast"]

#: Messages of a process from which on the fast engine is ready earlier than SimPy: it takes two seconds to start.
_FAST_FROM: Final = 2_000_000


def choose_engine(choice: EngineChoice, run: Run, workers: int = 1) -> EngineName:
    """Return the engine of a run.

    Args:
        choice: The engine, or ``auto``: the fast one where it is installed, the run has no pace and is long.
        run: The run.
        workers: Number of processes that its venues are spread over.

    Raises:
        EngineRefused: The fast engine is asked for and not installed, or the run has a pace.
    """
    if choice == "simpy":
        return "simpy"
    if choice == "auto":
        is_long = _messages(run) / min(workers, run.venues) >= _FAST_FROM
        return "fast" if is_long and not run.pace and _is_installed() else "simpy"
    if run.pace:
        raise EngineRefused(
            f"Engine fast cannot keep a pace of {run.pace:g}; leave out --pace, or use --engine simpy, which can."
        )
    if not _is_installed():
        raise EngineRefused(
            "Engine fast is not installed. Install it with `make fast` or `pip install 'ticketsim[fast]'`, or use "
            "--engine simpy, which sends the same messages."
        )
    return "fast"


def _is_installed() -> bool:
    return find_spec("numba") is not None


def _messages(run: Run) -> float:
    """Estimate the number of messages of an unpaced run."""
    scenarios = map(run.scenario.of_venue, run.venue_numbers)
    return (run.hours or 0) * sum(scenario.messages_an_hour * scenario.mean_bus_rate for scenario in scenarios)
