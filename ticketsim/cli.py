"""The command line ``ticketsim``: assembles the commands and is the boundary at which errors become messages."""

import sys

import typer

from local.commands.broker import broker_app
from local.commands.dashboard import dashboard
from local.commands.data_studio import data_studio
from local.commands.demo import demo
from local.commands.doctor import doctor
from local.commands.materialize import materialize
from local.commands.plan import plan
from local.commands.quarantine import quarantine_app
from local.commands.reconcile import reconcile
from local.commands.replay import replay
from local.commands.scenarios import scenarios
from local.commands.simulate import simulate
from local.commands.status import status
from local.commands.stream import stream
from local.commands.up import up
from local.exceptions import LocalError
from local.output import console
from simulator.exceptions import SimulatorError
from streaming.exceptions import StreamingError
from ticketsim_assets.exceptions import AssetsError

#: Errors that carry a message for the user; all others are defects and keep their traceback.
EXPECTED_ERRORS = (LocalError, SimulatorError, StreamingError, AssetsError)

app = typer.Typer(
    name="ticketsim",
    help="A streaming lakehouse whose source is a simulation. --debug, anywhere, shows tracebacks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(broker_app, name="broker")
app.add_typer(quarantine_app, name="quarantine")
PIPELINE = (simulate, stream, status, materialize, reconcile, dashboard, data_studio)
for command in (demo, up, doctor, scenarios, plan, replay, *PIPELINE):
    app.command()(command)


def main() -> None:
    """Run ``ticketsim``: exit 0 if all went well, 1 after an error, 2 after wrong usage, 130 after Ctrl-C."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    try:
        app(arguments)
    except EXPECTED_ERRORS as error:
        if debug:
            raise
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(1)
