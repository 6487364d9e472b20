"""The warehouse for commands at a terminal, which report what they wait for."""

from ticketsim.output import say
from ticketsim_assets.settings import Settings
from ticketsim_assets.warehouse.factory import create_warehouse
from ticketsim_assets.warehouse.protocol import Warehouse
from ticketsim_assets.warehouse.wait_policy import PERSON_WAIT_SECONDS, WaitPolicy


def terminal_wait_policy() -> WaitPolicy:
    """Return a policy that waits for an hourly run and says so on stderr."""
    return WaitPolicy(PERSON_WAIT_SECONDS, say)


def open_warehouse(settings: Settings) -> Warehouse:
    """Open the warehouse of ``settings``."""
    return create_warehouse(settings, terminal_wait_policy())
