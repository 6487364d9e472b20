"""Plot of a plan: waits against staffing, with confidence intervals and the target."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from simulator.planning.demand import STAGES, Stage
from simulator.planning.plot_file import US_PER_MINUTE, save_chart, side_by_side, target_line
from simulator.planning.target import Target
from simulator.planning.trial import Trial

#: Distinguishable by shape and without colour vision; the dashboard's colours.
_LOOKS: Final = {
    "meets": ("#2a78d6", "circle"),
    "undecided": ("#8a8f98", "diamond"),
    "fails": ("#c2511c", "cross"),
}

#: Parts and multiples of the target wait at which the axis of waits has a label: it is linear up to the target, and
#: logarithmic beyond, so that what is near the target is told apart beside a queue that only grows.
_LABELS: Final = (0, 0.25, 0.5, 0.75, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


def rows(trials: Iterable[Trial]) -> list[dict[str, Any]]:
    """Return the rows of the plot: the last estimate of the wait for each stage and number of servers, in minutes."""
    latest: dict[tuple[Stage, int], dict[str, Any]] = {}
    for trial in trials:
        found = trial.estimate
        if found.wait is not None:
            latest[trial.stage, trial.servers] = {
                "stage": trial.stage,
                "servers": trial.servers,
                "wait": found.wait.estimate / US_PER_MINUTE,
                "low": found.wait.low / US_PER_MINUTE,
                "high": found.wait.high / US_PER_MINUTE,
                "verdict": found.verdict,
            }
    return [latest[key] for key in sorted(latest)]


def save_plot(
    trials: Iterable[Trial], target: Target, title: str, path: Path, answer: Mapping[Stage, Sequence[int]]
) -> None:
    """Draw the waits that ``trials`` found against the number of servers, one panel for each stage.

    Args:
        trials: Trials in their order.
        target: The longest acceptable wait.
        title: Title of the plot.
        path: File to write, with a suffix of ``FORMATS``.
        answer: Numbers of servers that are the plan, which are marked; empty if none was found.

    Raises:
        PlanError: The file cannot be written.
    """
    import altair as alt  # noqa: PLC0415 - a second of import, and only plots need it

    shown = rows(trials)
    panels = [
        _panel(alt, [row for row in shown if row["stage"] == stage], target, stage, answer.get(stage, ()))
        for stage in STAGES
    ]
    save_chart(side_by_side(alt, panels, title, ["color", "shape"]), path)


def _panel(alt: Any, shown: list[dict[str, Any]], target: Target, stage: Stage, answer: Sequence[int]) -> Any:
    limit = target.wait_us / US_PER_MINUTE
    highest = max([limit, *(row["high"] for row in shown)])
    labels = [limit * part for part in _LABELS if limit * part / 2 <= highest]
    x = alt.X(
        "servers:Q",
        title=f"number of {stage}",
        scale=alt.Scale(zero=False, nice=False, padding=24),
        axis=alt.Axis(tickMinStep=1, format="d", grid=False),
    )
    verdicts = [name for name in _LOOKS if any(row["verdict"] == name for row in shown)]
    base = alt.Chart(alt.Data(values=shown)).encode(
        x=x,
        color=alt.Color(
            "verdict:N", scale=alt.Scale(domain=verdicts, range=[_LOOKS[name][0] for name in verdicts]), title="target"
        ),
    )
    y_axis = alt.Axis(values=labels, format=".3~g")
    y_scale = alt.Scale(type="symlog", constant=limit, domain=[0, labels[-1]], clamp=True)
    bars = base.mark_errorbar(ticks=True, thickness=2).encode(
        y=alt.Y(
            "low:Q",
            title=f"minutes that {target.percentile:.10g} % wait at most, 95 % interval",
            axis=y_axis,
            scale=y_scale,
        ),
        y2="high:Q",
    )
    points = base.mark_point(filled=True, size=90, opacity=1).encode(
        y="wait:Q",
        shape=alt.Shape(
            "verdict:N", scale=alt.Scale(domain=verdicts, range=[_LOOKS[name][1] for name in verdicts]), title="target"
        ),
    )
    return target_line(alt, limit) + _marked(alt, answer, stage, x) + bars + points


def _marked(alt: Any, answer: Sequence[int], stage: Stage, x: Any) -> Any:
    """Return the plan's numbers of servers as upright lines, with words on the first."""
    words = f"{' or '.join(map(str, answer))} {stage if max(answer, default=0) > 1 else stage.removesuffix('s')}"
    places = [{"servers": servers, "words": words if servers == answer[0] else ""} for servers in answer]
    lines = alt.Chart(alt.Data(values=places)).encode(x=x)
    return lines.mark_rule(color="#b9cfea", size=8, opacity=0.6) + lines.mark_text(
        y=0, dy=-8, color="#16181d", fontWeight=600
    ).encode(text="words:N")
