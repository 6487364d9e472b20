"""dbt's command line, to be started by ``python -m``, which parses the project once for the files of all homes.

dbt keeps what it has parsed, and parses the whole project again (4 s of CPU in each run) when the profile's connection
is not that of the last parse, because models can read it. Part of it is the path of the DuckDB file, which is another
one in each home and which no model of this project reads.
"""

import sys

from dbt.adapters.duckdb import DuckDBCredentials, Plugin
from dbt.cli.main import cli


class CredentialsOfAnyHome(DuckDBCredentials):
    """The connection to a DuckDB file; where that lies is not among what dbt compares with the last parse."""

    def _connection_keys(self) -> tuple[str, ...]:
        return tuple(key for key in super()._connection_keys() if key != "path")


if __name__ == "__main__":
    Plugin.credentials = CredentialsOfAnyHome
    sys.exit(cli())
