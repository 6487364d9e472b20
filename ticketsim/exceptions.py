"""What can go wrong in ``ticketsim``.

* LocalError

  * BrokerFailed
  * BrokerPlain
  * BrokerRunning
  * NoChromium
  * NoSpace
  * NoWarehouse
  * NotProved
  * PortTaken
  * StationFailed
"""


class LocalError(Exception):
    """Base of every error that this package raises on purpose; its message names the value and the cure."""


class BrokerFailed(LocalError):
    """The local Kafka ended by itself or does not answer."""


class BrokerPlain(LocalError):
    """The settings say that Kafka asks for TLS or a login, which the local one does not."""


class BrokerRunning(LocalError):
    """The local Kafka already runs, in a way that contradicts what is asked for."""


class NoSpace(LocalError):
    """The disk is too full to start."""


class NoWarehouse(LocalError):
    """Nothing has been loaded yet, so there is nothing to show."""


class PortTaken(LocalError):
    """Another process listens on the port."""


class NoChromium(LocalError):
    """There is no browser on this machine that the dashboard can be tested in."""


class StationFailed(LocalError):
    """A process that the demo or the stack started has failed."""


class NotProved(LocalError):
    """The demo went through, but what arrived is not what was sent."""
