"""``ticketsim broker start|stop|status``: the local Kafka; ``topics``: the topics of any Kafka."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ticketsim.defaults import PARTITIONS
from ticketsim.help import command_group
from ticketsim.output import JsonOption, console, emit_json

if TYPE_CHECKING:
    from ticketsim.stack.broker import BrokerStatus

broker_app = command_group("broker", "The local Kafka: real Apache Kafka, started from its jars.")

DirectoryOption = Annotated[
    Path | None,
    typer.Option("--dir", help="Folder of its data, configuration and log.", show_default="broker in TICKETSIM_HOME"),
]


@broker_app.command()
def start(
    port: Annotated[
        int | None,
        typer.Option(
            min=1024, max=65535, help="Port for clients, on 127.0.0.1.", show_default="port of TICKETSIM_BOOTSTRAP"
        ),
    ] = None,
    directory: DirectoryOption = None,
    partitions: Annotated[int, typer.Option(min=1, help="Partitions of each new topic.")] = PARTITIONS,
    json: JsonOption = False,
) -> None:
    """Start Kafka and create the eight topics; a running Kafka is left unchanged."""
    from ticketsim.stack import broker
    from ticketsim_assets.settings import read_settings

    with console.status("starting the broker") as shown:
        result = broker.start(_chosen(directory), port or read_settings().broker_port, partitions, shown.update)
    _show(result, json)


@broker_app.command()
def topics(
    bootstrap: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Address of Kafka.", show_default="TICKETSIM_BOOTSTRAP")
    ] = None,
    partitions: Annotated[int, typer.Option(min=1, help="Partitions of each new topic.")] = PARTITIONS,
    replication: Annotated[int, typer.Option(min=1, help="Replication factor, at most the number of brokers.")] = 1,
    json: JsonOption = False,
) -> None:
    """Create missing topics in any Kafka; existing topics are left unchanged."""
    from simulator.events import TOPICS
    from simulator.topics import create_topics
    from ticketsim_assets.settings import read_settings

    chosen = bootstrap or read_settings().bootstrap
    with console.status(f"creating topics at {chosen}"):
        created = create_topics(chosen, partitions, replication)
    if json:
        emit_json({"bootstrap": chosen, "created": created})
    else:
        existing = len(TOPICS) - len(created)
        console.print(f"{len(created)} topics created at {chosen}, {existing} existed already", soft_wrap=True)


@broker_app.command()
def stop(directory: DirectoryOption = None, json: JsonOption = False) -> None:
    """Stop Kafka; its data is kept."""
    from ticketsim.stack import broker

    chosen = _chosen(directory)
    with console.status("stopping the broker"):
        stopped = broker.stop(chosen)
    if json:
        emit_json({"directory": chosen, "stopped": stopped})
    else:
        console.print(f"the broker in {chosen} {'has stopped' if stopped else 'was not running'}", soft_wrap=True)


@broker_app.command()
def status(directory: DirectoryOption = None, json: JsonOption = False) -> None:
    """Show whether Kafka is running and responding; exit 1 if not."""
    from ticketsim.stack import broker

    result = broker.status(_chosen(directory))
    _show(result, json)
    if not result.ready:
        raise typer.Exit(1)


def _chosen(directory: Path | None) -> Path:
    from streaming.storage import usable
    from ticketsim_assets.settings import read_settings

    return Path(usable(directory, "--dir")) if directory else read_settings().broker_dir


def _show(result: "BrokerStatus", json: bool) -> None:
    if json:
        emit_json(asdict(result))
    elif not result.running:
        console.print(f"the broker in {result.directory} is not running", soft_wrap=True)
    elif not result.ready:
        console.print(
            f"the broker on {result.bootstrap} (pid {result.pid}) is running, but not responding", soft_wrap=True
        )
    else:
        topics = f"{len(result.topics)} topics" if result.topics else "no topics"
        console.print(f"the broker on {result.bootstrap} (pid {result.pid}) is running, with {topics}", soft_wrap=True)
