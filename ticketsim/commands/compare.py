"""``ticketsim compare``: what a change of a scenario does to the visitors' waits."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketsim.intervals import US_PER_MINUTE, US_PER_S, in_minutes, interval_json
from ticketsim.output import JsonOption, console, emit_json, say
from ticketsim.parse_duration import parse_seconds
from ticketsim.planning_options import TargetWaitOption, WorkersOption, worker_count
from ticketsim.signals import ending_on_sigterm

if TYPE_CHECKING:
    from simulator.planning.comparison import Comparison, Measure, StageComparison
    from simulator.planning.statistics import Interval
    from simulator.planning.target import Target

#: Percent of visitors whose waits are printed beside the target's; the plot and --json have more.
_MEDIAN = 50.0


def compare(  # noqa: PLR0917 - the parameters are the command's options
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="Built-in scenario, or a TOML file.")],
    assignments: Annotated[
        list[str],
        typer.Option("--set", metavar="KEY=VALUE", help="Parameter to change, for example sellers=8; repeatable."),
    ],
    target_wait: TargetWaitOption = "5m",
    percentile: Annotated[float, typer.Option(help="Percent of visitors whose longest wait is compared.")] = 95.0,
    days: Annotated[int, typer.Option(help="Number of days, each with visitors of its own.")] = 20,
    hours: Annotated[float, typer.Option(help="Hours of a day in which buses arrive.")] = 24.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same days.")] = 7,
    plot: Annotated[Path | None, typer.Option(metavar="FILE.png|FILE.svg", help="Plot the waits of both.")] = None,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare waits before and after a change of a scenario, for the same visitors on the same days."""
    # numpy and SimPy take half a second to load, which `ticketsim --help` should not.
    from simulator.planning.changes import parse_changes
    from simulator.planning.comparison import compare
    from simulator.planning.comparison_plot import save_comparison_plot
    from simulator.planning.plot_file import check_plot_file, file_of_kind
    from simulator.planning.target import checked_target
    from simulator.scenario import load_scenario

    target = checked_target(parse_seconds(target_wait, "--target-wait"), percentile)
    changes = parse_changes(assignments)
    before, after = load_scenario(scenario), load_scenario(scenario, changes)
    if plot is not None:
        check_plot_file(plot)
    with ending_on_sigterm(), console.status("simulating") as status:
        found = compare(
            before,
            after,
            target,
            days=days,
            hours=hours,
            seed=seed,
            workers=worker_count(workers),
            on_days=lambda what: status.update(f"simulating {days} {what}"),
        )
    changed = ", ".join(assignments)
    for each in found:
        name = before.name if each.kind is None else f"{before.name}, venue kind {each.kind}"
        console.print(f"{name} with {changed}: the same {days} days of {hours:g} hours", style="bold", soft_wrap=True)
        _print(each, target)
        if plot is not None:
            drawing = file_of_kind(plot, each.kind)
            save_comparison_plot(each, target, f"{name}, before and after {changed}", drawing)
            say(f"plot: {drawing}")
    if as_json:
        asked = {
            "scenario": before.name,
            "changes": changes,
            "target_wait_s": target.wait_us / US_PER_S,
            "percentile": percentile,
            "days": days,
            "hours": hours,
            "seed": seed,
        }
        kinds = [_as_json(each) for each in found]
        emit_json(asked | ({"venue_kinds": kinds} if before.venue_kinds else kinds[0]))


def _print(found: "Comparison", target: "Target") -> None:
    from rich.box import SIMPLE
    from rich.table import Column, Table

    table = Table(
        "stage",
        "",
        Column("before", justify="right", no_wrap=True),
        Column("after", justify="right", no_wrap=True),
        Column("difference [95 % CI]", justify="right", no_wrap=True),
        box=SIMPLE,
        show_edge=False,
        pad_edge=False,
        caption="busy: utilisation; waits in minutes; differences of the same days",
    )
    for stage, compared in found.stages.items():
        busy = compared.utilisation
        table.add_row(stage, "busy", *(f"{each:.3f}" for each in busy), f"{busy[1] - busy[0]:+.3f}")
        for name, measure in _waits(compared, target):
            values = (f"{each.estimate / US_PER_MINUTE:.2f}" for each in (measure.before, measure.after))
            table.add_row("", name, *values, _difference(measure, in_minutes(measure.difference, "+")))
        share = compared.share
        table.add_row(
            "",
            f"within {target.wait_us / US_PER_MINUTE:.4g} min",
            *(f"{100 * each.estimate:.1f} %" for each in (share.before, share.after)),
            _difference(share, _points(share.difference)),
            end_section=True,
        )
    console.print(table)


def _waits(compared: "StageComparison", target: "Target") -> "Iterator[tuple[str, Measure]]":
    yield "mean", compared.mean
    for percent in sorted({_MEDIAN, target.percentile}):
        yield f"{percent:.10g} % up to", compared.percentiles[percent]


def _difference(measure: "Measure", text: str) -> str:
    return text if measure.differs else f"none shown {text}"


def _points(share: "Interval") -> str:
    points = share.scaled(100)
    return f"{points.estimate:+.1f} [{points.low:+.1f}, {points.high:+.1f}]"


def _as_json(found: "Comparison") -> dict[str, Any]:
    """Convert to plain data; waits in seconds."""
    kind = {} if found.kind is None else {"venue_kind": found.kind}
    return kind | {
        "stages": {
            stage: {
                "utilisation": dict(zip(("before", "after"), compared.utilisation, strict=True)),
                "mean_wait_s": _measure_json(compared.mean, 1 / US_PER_S),
                "wait_s": {
                    f"{percent:.10g}": _measure_json(measure, 1 / US_PER_S)
                    for percent, measure in compared.percentiles.items()
                },
                "share_within_target": _measure_json(compared.share, 1),
            }
            for stage, compared in found.stages.items()
        }
    }


def _measure_json(measure: "Measure", factor: float) -> dict[str, Any]:
    parts = {name: getattr(measure, name) for name in ("before", "after", "difference")}
    return {name: interval_json(part, factor) for name, part in parts.items()} | {"differs": measure.differs}
