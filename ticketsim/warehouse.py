"""The warehouse for a person at a terminal, who is told what is waited for."""

from ticketsim.output import console
from ticketsim_assets.settings import Settings
from ticketsim_assets.warehouse.factory import warehouse_of
from ticketsim_assets.warehouse.protocol import Warehouse
from ticketsim_assets.warehouse.wait_policy import PERSON_WAIT_SECONDS, Patience


def person_at_a_terminal() -> Patience:
    """Waits for an hourly run, and says so on stderr."""
    return Patience(PERSON_WAIT_SECONDS, lambda said: console.print(said, markup=False, soft_wrap=True))


def patient_warehouse(settings: Settings) -> Warehouse:
    """The warehouse of ``settings``."""
    return warehouse_of(settings, person_at_a_terminal())
