"""Plot of a plan: waits against staffing, with confidence intervals and the target."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from simulator.exceptions import PlanError
from simulator.planning.demand import STAGES, Stage
from simulator.planning.target import Target
from simulator.planning.trial import Trial

FORMATS: Final = (".png", ".svg")

_US_PER_MINUTE: Final = 60_000_000

#: Distinguishable by shape and without colour vision.
_LOOKS: Final = {
    "meets": ("#0072b2", "circle"),
    "undecided": ("#e69f00", "diamond"),
    "fails": ("#d55e00", "cross"),
}


def check_plot_file(path: Path) -> None:
    """Check, before anything is simulated, that a plot can be written to ``path``.

    Raises:
        PlanError: Its suffix is not a known format, or its folder does not exist.
    """
    if path.suffix.lower() not in FORMATS:
        raise PlanError(f"Invalid plot file {path}; expected a name that ends in {' or '.join(FORMATS)}.")
    if not path.parent.is_dir():
        raise PlanError(f"Cannot write the plot {path}: the folder {path.parent} does not exist; create it first.")


def rows(trials: Iterable[Trial]) -> list[dict[str, Any]]:
    """Return the rows of the plot: the last estimate of the wait for each stage and number of servers, in minutes."""
    latest: dict[tuple[Stage, int], dict[str, Any]] = {}
    for trial in trials:
        found = trial.estimate
        if found.wait is not None:
            latest[trial.stage, trial.servers] = {
                "stage": trial.stage,
                "servers": trial.servers,
                "wait": found.wait.estimate / _US_PER_MINUTE,
                "low": found.wait.low / _US_PER_MINUTE,
                "high": found.wait.high / _US_PER_MINUTE,
                "verdict": found.verdict,
            }
    return [latest[key] for key in sorted(latest)]


def save_plot(trials: Iterable[Trial], target: Target, title: str, path: Path) -> None:
    """Draw the waits that ``trials`` found against the number of servers, one panel for each stage.

    Raises:
        PlanError: The file cannot be written.
    """
    import altair as alt  # noqa: PLC0415 - a second of import, and only plots need it

    check_plot_file(path)
    shown = rows(trials)
    limit = target.wait_us / _US_PER_MINUTE
    panels = [
        _panel(alt, [row for row in shown if row["stage"] == stage], limit, target, stage).properties(
            width=340, height=260, title=stage.capitalize()
        )
        for stage in STAGES
    ]
    chart = alt.hconcat(*panels).resolve_scale(color="shared", shape="shared").properties(title=title)
    try:
        chart.save(str(path), **({"scale_factor": 2} if path.suffix.lower() == ".png" else {}))
    except OSError as error:
        raise PlanError(f"Cannot write the plot {path}: {error.strerror}; choose another file.") from error


def _panel(alt: Any, shown: list[dict[str, Any]], limit: float, target: Target, stage: Stage) -> Any:
    data = alt.Data(values=shown)
    verdicts = list(_LOOKS)
    x = alt.X(
        "servers:Q",
        title=f"number of {stage}",
        scale=alt.Scale(zero=False, nice=False, padding=24),
        axis=alt.Axis(tickMinStep=1, format="d", grid=False),
    )
    base = alt.Chart(data).encode(
        x=x,
        color=alt.Color(
            "verdict:N", scale=alt.Scale(domain=verdicts, range=[_LOOKS[name][0] for name in verdicts]), title="target"
        ),
    )
    bars = base.mark_errorbar(ticks=True, thickness=2).encode(
        y=alt.Y("low:Q", title=f"minutes that {target.percentile:.10g} % wait at most, 95 % interval"), y2="high:Q"
    )
    points = base.mark_point(filled=True, size=90, opacity=1).encode(
        y="wait:Q",
        shape=alt.Shape(
            "verdict:N", scale=alt.Scale(domain=verdicts, range=[_LOOKS[name][1] for name in verdicts]), title="target"
        ),
    )
    rule = alt.Chart(alt.Data(values=[{"limit": limit}])).mark_rule(strokeDash=[6, 4], size=1.5).encode(y="limit:Q")
    return rule + bars + points
