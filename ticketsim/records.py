"""Dagster's records, for commands that only look: no instance is made."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster import DagsterInstance

from ticketsim_assets.settings import Settings


@contextmanager
def open_instance(settings: Settings) -> Iterator[DagsterInstance | None]:
    """Open Dagster's instance; None if there is none, since none is made."""
    home = Path(os.environ.get("DAGSTER_HOME") or settings.dagster_home)
    if not (home / "dagster.yaml").exists():
        yield None
        return
    with DagsterInstance.from_config(str(home)) as instance:
        yield instance
