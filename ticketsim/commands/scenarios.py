"""``ticketsim scenarios``: list the built-in scenarios."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ticketsim.output import JsonOption, console, emit_json

if TYPE_CHECKING:
    from rich.text import Text

    from simulator.scenario import Scenario


def scenarios(*, json: JsonOption = False) -> None:
    """List the built-in scenarios and the utilisation of their staff."""
    # numpy takes a quarter of a second to load, which `ticketsim --help` should not.
    from simulator.scenario import built_in_names, load_scenario

    known = [load_scenario(name) for name in built_in_names()]
    if json:
        emit_json(
            {
                scenario.name: _venue_as_json(scenario)
                | {
                    "description": scenario.description,
                    "venue_kinds": [_venue_as_json(k) for k in scenario.venue_kinds],
                }
                for scenario in known
            }
        )
        return
    _print_all(known)
    for scenario in known:
        if any(kind.bus_rate_by_hour for kind in scenario.kinds):
            _print_day(scenario)


def _venue_as_json(venue: "Scenario") -> dict[str, Any]:
    from simulator.utilisation import utilisation, utilisation_by_hour

    return {
        "sellers": venue.sellers,
        "scanners": venue.scanners,
        "utilisation": asdict(utilisation(venue)),
        "utilisation_by_hour": [asdict(load) for load in utilisation_by_hour(venue)] if venue.bus_rate_by_hour else [],
    }


def _heading(scenario: "Scenario") -> "Text":
    from rich.text import Text

    return Text.assemble((scenario.name, "bold"), f"\n{scenario.description}")


def _print_all(known: list["Scenario"]) -> None:
    from rich.table import Table

    from simulator.utilisation import utilisation

    table = Table("scenario")
    for column in ("sellers", "busy", "scanners", "busy"):
        table.add_column(column, justify="right")
    for scenario in known:
        for number, venue in enumerate(scenario.kinds, 1):
            load = utilisation(venue)
            table.add_row(
                _heading(scenario) if number == 1 else f"  venue {number}",
                str(venue.sellers),
                f"{load.sellers:.3f}",
                str(venue.scanners),
                f"{load.scanners:.3f}",
            )
    console.print(table)
    console.print("busy: utilisation, the share of time in which a server is busy; from 1 on its line only grows")


def _print_day(scenario: "Scenario") -> None:
    """Print the utilisation by hour of the day, for each kind of venue."""
    from rich.table import Table

    from simulator.utilisation import utilisation_by_hour

    console.print(
        f"{scenario.name}, busy by hour of the day (UTC); in the table above as if buses came at their full rate"
    )
    table = Table("hour")
    for number in range(1, len(scenario.kinds) + 1):
        table.add_column(f"venue {number}: sellers", justify="right")
        table.add_column("scanners", justify="right")
    for hour, loads in enumerate(zip(*map(utilisation_by_hour, scenario.kinds), strict=True)):
        table.add_row(f"{hour:02}", *(f"{busy:.2f}" for load in loads for busy in (load.sellers, load.scanners)))
    console.print(table)
