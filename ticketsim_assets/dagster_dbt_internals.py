"""What this project uses of dagster-dbt that it does not export: how its resource learns dbt's version."""

import importlib.metadata
from functools import cached_property

from dagster_dbt import DbtCliResource
from packaging.version import Version


class InstalledDbtCliResource(DbtCliResource):
    """dagster-dbt's resource, which reads dbt's version from the installed package.

    The original asks ``dbt --version`` before each command, which looks for updates on the network: 6 s a run.
    """

    @cached_property
    def _cli_version(self) -> Version:
        return Version(importlib.metadata.version("dbt-core"))
