"""Prints the requirements of pyproject.toml with Dagster and dbt unpinned, for `make test-newest`.

They stay within their major version, and all packages of Dagster's release go together.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

_PINNED = re.compile(r"(?P<name>(?:dagster|dbt)\b[\w-]*(?:\[\w+\])?)==(?P<version>(?P<major>\d+)\..+)")


def newest(requirements: list[str]) -> Iterator[str]:
    """Allow what is newer than a pin of Dagster or dbt; leave everything else as it is."""
    for requirement in requirements:
        pin = _PINNED.fullmatch(requirement)
        yield f"{pin['name']}>={pin['version']},<{int(pin['major']) + 1}" if pin else requirement


if __name__ == "__main__":
    project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    sys.stdout.write("\n".join(newest([*project["dependencies"], *extras["cloud"], *extras["test"]])) + "\n")
