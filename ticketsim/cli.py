"""The command line ``ticketsim``: registers the commands and turns expected errors into messages."""

import errno
import sys
import unicodedata

import typer

from simulator.exceptions import SimulatorError
from streaming.exceptions import StreamingError
from ticketsim.commands.broker import broker_app
from ticketsim.commands.compare import compare
from ticketsim.commands.dashboard import dashboard
from ticketsim.commands.data_studio import data_studio
from ticketsim.commands.demo import demo
from ticketsim.commands.doctor import doctor
from ticketsim.commands.forget import forget
from ticketsim.commands.latency import latency
from ticketsim.commands.materialize import materialize
from ticketsim.commands.plan import plan
from ticketsim.commands.quarantine import quarantine_app
from ticketsim.commands.reconcile import reconcile
from ticketsim.commands.replay import replay
from ticketsim.commands.scenarios import scenarios
from ticketsim.commands.simulate import simulate
from ticketsim.commands.status import status
from ticketsim.commands.stream import stream
from ticketsim.commands.trace import trace
from ticketsim.commands.up import up
from ticketsim.exceptions import TicketsimError
from ticketsim.help import command_group
from ticketsim.output import say
from ticketsim_assets.exceptions import AssetsError

#: Errors with a message for the user; all others are bugs and keep their traceback.
EXPECTED_ERRORS = (TicketsimError, SimulatorError, StreamingError, AssetsError)

app = command_group(
    "ticketsim", "A streaming lakehouse whose source is a simulation. --debug, anywhere, shows tracebacks."
)
for panel, commands in {
    "Try": (demo, up, doctor),
    "Simulate and plan": (scenarios, simulate, plan, compare, replay),
    "Run": (broker_app, stream, materialize, dashboard, data_studio),
    "Look": (status, reconcile, trace, latency),
    "Repair": (quarantine_app, forget),
}.items():
    for command in commands:
        if isinstance(command, typer.Typer):
            app.add_typer(command, rich_help_panel=panel)
        else:
            app.command(rich_help_panel=panel)(command)


#: What this machine's files refuse: no defect of ours, and as well said in a sentence.
_OF_FILES = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENAMETOOLONG),
        *(errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP),
    }
)


def main() -> None:
    """Run ``ticketsim``: exit 0 on success, 1 on errors, 2 on invalid usage, 130 on Ctrl-C."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    for argument in arguments:
        if any(unicodedata.category(character) == "Cc" for character in argument):
            say(f"error: Invalid argument {argument!r}: it has a control character, such as a line break.", style="red")
            sys.exit(2)
    try:
        app(arguments)
    except (*EXPECTED_ERRORS, OSError) as error:
        if debug or (isinstance(error, OSError) and (error.errno not in _OF_FILES or error.filename is None)):
            raise
        say(f"error: {error}", style="red")
        sys.exit(1)
