"""``ticketsim plan``: how many sellers and scanners a venue needs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import typer

from ticketsim.intervals import US_PER_S, in_minutes, interval_json
from ticketsim.output import JsonOption, console, emit_json, say
from ticketsim.parse_duration import parse_seconds
from ticketsim.planning_options import TargetWaitOption, WorkersOption, worker_count
from ticketsim.signals import ending_on_sigterm

if TYPE_CHECKING:
    from simulator.planning.demand import Stage
    from simulator.planning.rush import Rush
    from simulator.planning.search import Plan
    from simulator.planning.target import Target
    from simulator.planning.trial import Estimate, Replications, Trial


def plan(
    *,
    scenario: Annotated[str, typer.Option(metavar="NAME|FILE", help="Built-in scenario, or a TOML file.")] = "original",
    target_wait: TargetWaitOption = "5m",
    percentile: Annotated[
        float, typer.Option(help="Percent of visitors who wait at most this long, at each stage.")
    ] = 95.0,
    precision: Annotated[
        str, typer.Option(metavar="PERCENT", help="Share of the target wait that makes no difference, for example 3%.")
    ] = "5%",
    seed: Annotated[int, typer.Option(help="The same seed gives the same visitors, under every staffing.")] = 7,
    max_sellers: Annotated[
        int | None, typer.Option(help="The most sellers to try.", show_default="4 times what keeps up, and 20")
    ] = None,
    max_scanners: Annotated[
        int | None, typer.Option(help="The most scanners to try.", show_default="4 times what keeps up, and 20")
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE.png|FILE.svg", help="Plot waits against staff.")] = None,
    workers: WorkersOption = None,
    json: JsonOption = False,
) -> None:
    """Find the fewest sellers and scanners that meet a target for the visitors' waits."""
    # numpy and SimPy take half a second to load, which `ticketsim --help` should not.
    from simulator.planning.plot_file import check_plot_file
    from simulator.planning.rush import rushes
    from simulator.planning.target import checked_target
    from simulator.scenario import load_scenario

    target = checked_target(parse_seconds(target_wait, "--target-wait"), percentile, _percent(precision))
    venue = load_scenario(scenario)
    if plot is not None:
        check_plot_file(plot)
    options = _Options(
        seed=seed,
        max_sellers=max_sellers,
        max_scanners=max_scanners,
        workers=worker_count(workers),
    )
    with ending_on_sigterm():
        plans = [(rush, _planned(rush, target, options, plot)) for rush in rushes(venue)]
    if json:
        answers = [_as_json(found) | {"busiest_hours_utc": rush.hours} for rush, found in plans]
        if venue.venue_kinds:
            shared = {name: answers[0][name] for name in ("scenario", "target_wait_s", "percentile", "seed")}
            kinds = [{"venue_kind": number} | answer for number, answer in enumerate(answers, 1)]
            emit_json(shared | {"venue_kinds": kinds})
        else:
            emit_json(answers[0])


class _Options(TypedDict):
    """Arguments of ``find_plan`` that are the same for each kind of venue."""

    seed: int
    max_sellers: int | None
    max_scanners: int | None
    workers: int


def _planned(rush: "Rush", target: "Target", options: _Options, plot: Path | None) -> "Plan":
    """Find and show the plan for one kind of venue; show the trials even if no plan is found."""
    from simulator.exceptions import TargetUnreachable
    from simulator.planning.plot import save_plot
    from simulator.planning.plot_file import file_of_kind
    from simulator.planning.search import find_plan

    trials: list[Trial] = []

    def show_trials(answer: Mapping["Stage", Sequence[int]]) -> None:
        if trials:
            _print_trials(trials, target)
            if plot is not None:
                drawing = file_of_kind(plot, rush.kind)
                save_plot(trials, target, f"{rush.name}: {target.sentence}", drawing, answer)
                say(f"plot: {drawing}")

    try:
        with _progress(trials) as (on_replications, on_trial):
            found = find_plan(rush.scenario, target, **options, on_trial=on_trial, on_replications=on_replications)
    except TargetUnreachable as error:
        show_trials({})
        raise TargetUnreachable(f"{rush.name}: {error}") from error
    show_trials(found.either)
    _print_answer(rush, found)
    return found


def _percent(text: str) -> float:
    from simulator.display import shown

    try:
        return float(text.strip().removesuffix("%"))
    except ValueError:
        raise typer.BadParameter(
            f"Invalid percentage {shown(text)}; expected for example 3%.", param_hint="--precision"
        ) from None


@contextmanager
def _progress(trials: "list[Trial]") -> "Iterator[tuple[Callable[[Replications], None], Callable[[Trial], None]]]":
    """Show what is being simulated, and append the trials to ``trials``, whose table says each verdict once."""
    with console.status("sampling visitors") as status:

        def on_replications(running: "Replications") -> None:
            hours = running.length_us / 3600 / US_PER_S
            staffing = _staffing(running.sellers, running.scanners)
            status.update(f"{staffing}: {running.replications} replications of {hours:.3g} hours")

        yield on_replications, trials.append


def _staffing(sellers: int, scanners: int | None) -> str:
    return f"{sellers} + {'any' if scanners is None else scanners}"


def _servers(numbers: Sequence[int], stage: "Stage") -> str:
    return f"{' or '.join(map(str, numbers))} {stage if max(numbers) > 1 else stage.removesuffix('s')}"


def _print_trials(trials: "list[Trial]", target: "Target") -> None:
    from rich.box import SIMPLE
    from rich.table import Column, Table

    table = Table(
        "staff",
        "stage",
        Column("busy", justify="right"),
        Column(f"{target.percentile:.10g} % wait up to, min [CI]", justify="right", no_wrap=True),
        Column("runs", justify="right"),
        "verdict",
        title=f"target: {target.sentence}",
        box=SIMPLE,
        show_edge=False,
        pad_edge=False,
        caption="staff: sellers + scanners; busy: utilisation, from 1 on lines only grow",
    )
    for trial in trials:
        found = trial.estimate
        table.add_row(
            _staffing(trial.sellers, trial.scanners),
            trial.stage,
            f"{found.utilisation:.3f}",
            "-" if found.wait is None else in_minutes(found.wait),
            str(found.replications or "-"),
            f"{found.verdict}: {found.cause}",
        )
    console.print(table)


def _print_answer(rush: "Rush", found: "Plan") -> None:
    needed = " and ".join(_servers(numbers, stage) for stage, numbers in found.either.items())
    console.print(
        f"{rush.name} needs {needed} so that {found.target.sentence} at each stage.",
        style="bold",
        soft_wrap=True,
    )
    for stage, reason in found.why_not_less.items():
        longer = found.longer[stage]
        by = "" if longer is None else f"; {in_minutes(longer)} min longer for the same visitors"
        console.print(f"with one {stage.removesuffix('s')} less: {reason}{by}", soft_wrap=True)
    if max(map(len, found.either.values())) > 1:
        console.print(
            f"Either number is right within {100 * found.target.precision:.3g} % of the target wait; "
            f"{_servers([found.sellers], 'sellers')} and {_servers([found.scanners], 'scanners')} were tried together.",
            soft_wrap=True,
        )
    if found.conservative:
        console.print(
            "conservative: with one less the simulation is undecided, so less may be enough",
            style="yellow",
            soft_wrap=True,
        )


def _as_json(found: "Plan") -> dict[str, Any]:
    """Convert the plan to plain data; durations in seconds."""
    return {
        "scenario": found.scenario,
        "target_wait_s": found.target.wait_us / US_PER_S,
        "percentile": found.target.percentile,
        "precision": found.target.precision,
        "seed": found.seed,
        "max_sellers": found.bounds.sellers,
        "max_scanners": found.bounds.scanners,
        "sellers": found.sellers,
        "scanners": found.scanners,
        "either": found.either,
        "conservative": found.conservative,
        "why_not_less": found.why_not_less,
        "longer_with_one_less_s": {
            stage: None if longer is None else interval_json(longer, 1 / US_PER_S)
            for stage, longer in found.longer.items()
        },
        "scanner_wait_floor_s": interval_json(found.floor, 1 / US_PER_S),
        "trials": [
            {
                "stage": trial.stage,
                "sellers": trial.sellers,
                "scanners": trial.scanners,
            }
            | _estimate_json(trial.estimate)
            for trial in found.trials
        ],
    }


def _estimate_json(estimate: "Estimate") -> dict[str, Any]:
    return {
        "utilisation": estimate.utilisation,
        "verdict": estimate.verdict,
        "close": estimate.close,
        "cause": estimate.cause,
        "reason": estimate.reason,
        "wait_s": None if estimate.wait is None else interval_json(estimate.wait, 1 / US_PER_S),
        "share_within_target": None if estimate.share is None else interval_json(estimate.share, 1),
        "replications": estimate.replications,
        "replication_s": estimate.length_us / US_PER_S,
        "warm_up_s": estimate.warm_up_us / US_PER_S,
    }
