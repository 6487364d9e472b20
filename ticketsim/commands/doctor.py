"""``ticketsim doctor``: check this machine's requirements."""

from dataclasses import asdict

import typer

from ticketsim.defaults import DAGSTER_PORT
from ticketsim.output import JsonOption, console, emit_json, say

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor(json: JsonOption = False) -> None:
    """Check this machine and say how to fix what is missing; exit 1 if it is required."""
    from ticketsim.doctor import Verdict, examine

    with console.status("checking this machine"):
        checks = examine(DAGSTER_PORT)
    healthy = all(check.verdict is not Verdict.FAIL for check in checks)
    if json:
        emit_json({"healthy": healthy, "checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            console.print(f"{check.verdict:<5}", style=_COLOURS[check.verdict], end="")
            say(f"{check.name:<13}{check.found}")
            if check.cure:
                say(f"     {'':<13}{check.cure}", style="dim")
    if not healthy:
        raise typer.Exit(1)
