"""Exceptions of ``ticketsim``.

* TicketsimError

  * BrokerFailed
  * BrokerUnsecured
  * BrokerRunning
  * NoChromium
  * NoSpace
  * NoWarehouse
  * NotProved
  * PortTaken
  * StationFailed
"""


class TicketsimError(Exception):
    """Base class of all expected errors of this package; the message names the value and the cure."""


class BrokerFailed(TicketsimError):
    """The local Kafka exited or does not respond."""


class BrokerUnsecured(TicketsimError):
    """The settings require TLS or a login, which the local Kafka does not support."""


class BrokerRunning(TicketsimError):
    """The local Kafka is already running, with settings that conflict with the requested ones."""


class NoSpace(TicketsimError):
    """The disk is too full to start."""


class NoWarehouse(TicketsimError):
    """There is no warehouse: nothing has been loaded yet."""


class PortTaken(TicketsimError):
    """Another process listens on the port."""


class NoChromium(TicketsimError):
    """There is no browser on this machine for the dashboard's tests."""


class StationFailed(TicketsimError):
    """A process that the demo or the stack started has failed."""


class NotProved(TicketsimError):
    """The demo finished, but what arrived is not what was sent."""
