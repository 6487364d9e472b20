"""Dagster's instance on the laptop: a folder inside of home, with its configuration."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dagster import DagsterInstance

from ticketsim_assets.settings import Settings

#: What every instance of ours is made with.
CONFIGURATION: Final = Path(__file__).with_name("dagster.yaml")


def prepare_dagster_home(settings: Settings) -> Path:
    """Create the folder with our dagster.yaml and point DAGSTER_HOME to it, for this process and its children.

    A DAGSTER_HOME that is set already is left as it is: then somebody else keeps the instance.
    """
    if given := os.environ.get("DAGSTER_HOME"):
        return Path(given)
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text(CONFIGURATION.read_text(encoding="utf-8"), encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ["TICKETSIM_HOME"] = str(settings.root)
    return home


@contextmanager
def dagster_instance(settings: Settings) -> Iterator[DagsterInstance]:
    """Dagster's instance, made if there is none yet."""
    prepare_dagster_home(settings)
    with DagsterInstance.get() as instance:
        yield instance
