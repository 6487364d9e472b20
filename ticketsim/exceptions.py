"""What can go wrong in ``ticketsim``.

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
    """Base of every error that this package raises on purpose; its message names the value and the cure."""


class BrokerFailed(TicketsimError):
    """The local Kafka ended by itself or does not answer."""


class BrokerUnsecured(TicketsimError):
    """The settings say that Kafka asks for TLS or a login, which the local one does not."""


class BrokerRunning(TicketsimError):
    """The local Kafka already runs, in a way that contradicts what is asked for."""


class NoSpace(TicketsimError):
    """The disk is too full to start."""


class NoWarehouse(TicketsimError):
    """Nothing has been loaded yet, so there is nothing to show."""


class PortTaken(TicketsimError):
    """Another process listens on the port."""


class NoChromium(TicketsimError):
    """There is no browser on this machine that the dashboard can be tested in."""


class StationFailed(TicketsimError):
    """A process that the demo or the stack started has failed."""


class NotProved(TicketsimError):
    """The demo went through, but what arrived is not what was sent."""
