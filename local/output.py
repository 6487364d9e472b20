"""What commands print: results on stdout, everything else on stderr."""

import json
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console

#: Progress, tables, hints and errors; stdout stays free for results.
console = Console(stderr=True, highlight=False)

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object on stdout.")]


def emit_json(result: Mapping[str, Any]) -> None:
    """Print ``result`` as one JSON object on stdout; dates and paths become strings."""
    sys.stdout.write(json.dumps(result, default=str) + "\n")
    sys.stdout.flush()
