"""Dagster's records, for commands that only look: no instance is made."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ticketsim_assets.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance


def home_of_instance(settings: Settings) -> Path:
    """Return the folder of Dagster's instance, which need not exist."""
    return Path(os.environ.get("DAGSTER_HOME") or settings.dagster_home)


@contextmanager
def open_instance(settings: Settings) -> Iterator["DagsterInstance | None"]:
    """Open Dagster's instance; None if there is none, since none is made."""
    home = home_of_instance(settings)
    if not (home / "dagster.yaml").exists():
        yield None
        return
    from dagster import DagsterInstance  # noqa: PLC0415  a second, and only where there is an instance

    with DagsterInstance.from_config(str(home)) as instance:
        yield instance
