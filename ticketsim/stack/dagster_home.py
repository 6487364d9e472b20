"""Dagster's instance on the laptop: a folder inside of home, with its configuration."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dagster import DagsterInstance
from filelock import FileLock

from ticketsim_assets.settings import Settings

#: What every instance of ours is made with.
CONFIGURATION: Final = Path(__file__).with_name("dagster.yaml")


def prepare_dagster_home(settings: Settings) -> Path:
    """Make the instance if there is none yet and point DAGSTER_HOME to it, for this process and its children.

    A DAGSTER_HOME that is set already is left as it is: then somebody else keeps the instance.
    """
    if given := os.environ.get("DAGSTER_HOME"):
        return Path(given)
    home = settings.dagster_home
    make_instance(home)
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ["TICKETSIM_HOME"] = str(settings.root)
    return home


def make_instance(home: Path) -> None:
    """Make the folder ``home`` an instance with our dagster.yaml, its databases included; nothing if it is one.

    A dagster.yaml of an earlier version is replaced; the databases stay where Dagster's defaults have them.

    One process at a time: of two that open the same new SQLite database, both create its tables, and the slower one
    ends with ``table runs already exists``. `dagster dev` alone is several processes.
    """
    home.mkdir(parents=True, exist_ok=True)
    configuration = CONFIGURATION.read_text(encoding="utf-8")
    written, arriving = home / "dagster.yaml", home / "arriving.yaml"
    with FileLock(home / ".make.lock"):
        if written.exists() and written.read_text(encoding="utf-8") == configuration:
            return
        arriving.write_text(configuration, encoding="utf-8")
        with DagsterInstance.from_config(str(home), arriving.name) as instance:
            # each is a database of its own, made when it is first asked
            instance.get_runs(limit=1)
            instance.all_instigator_state()
        # last: whoever finds it opens the databases without the lock
        arriving.replace(written)


@contextmanager
def dagster_instance(settings: Settings) -> Iterator[DagsterInstance]:
    """Dagster's instance, made if there is none yet."""
    prepare_dagster_home(settings)
    with DagsterInstance.get() as instance:
        yield instance
