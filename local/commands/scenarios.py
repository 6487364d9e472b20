"""``ticketsim scenarios``: what can be simulated."""

from dataclasses import asdict

from local.output import JsonOption, console, emit_json


def scenarios(*, json: JsonOption = False) -> None:
    """List the built-in scenarios and how busy they keep their staff."""
    # numpy takes a quarter of a second to load, which `ticketsim --help` should not.
    from rich.table import Column, Table

    from simulator.load import utilisation
    from simulator.scenario import built_in_names, load_scenario

    known = [load_scenario(name) for name in built_in_names()]
    if json:
        emit_json(
            {
                scenario.name: {
                    "description": scenario.description,
                    "sellers": scenario.sellers,
                    "scanners": scenario.scanners,
                    "utilisation": asdict(utilisation(scenario)),
                }
                for scenario in known
            }
        )
        return
    table = Table(Column("scenario", no_wrap=True), "description")
    for column in ("sellers", "busy", "scanners", "busy"):
        table.add_column(column, justify="right")
    for scenario in known:
        load = utilisation(scenario)
        table.add_row(
            scenario.name,
            scenario.description,
            str(scenario.sellers),
            f"{load.sellers:.3f}",
            str(scenario.scanners),
            f"{load.scanners:.3f}",
        )
    console.print(table)
    console.print("busy: utilisation, the share of time for which a server is needed; from 1 on its line only grows")
