"""Changes of a scenario's parameters, as the command line gives them: ``sellers=8``, ``sale_minutes.mean=1.2``."""

import tomllib
from collections.abc import Iterable
from typing import Any

from simulator.display import shown
from simulator.exceptions import PlanError


def parse_changes(assignments: Iterable[str]) -> dict[str, Any]:
    """Return the parameters that ``assignments`` set, as a scenario's file would have them.

    Each is ``KEY=VALUE`` with the value in TOML. Of a distribution a single number can be set, as above.

    Raises:
        PlanError: An assignment is not valid, or sets what another one sets.
    """
    text = "\n".join(assignments)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlanError(
            f"Invalid --set {shown(text)}: {error}; expected KEY=VALUE as in a scenario's file, each key once, for "
            "example sellers=8, one_line=true or sale_minutes.mean=1.2."
        ) from None
