"""Plot of a comparison: the waits that so many percent do not exceed, before a change and after it."""

from pathlib import Path
from typing import Any, Final

from simulator.planning.comparison import PERCENTILES, Comparison
from simulator.planning.demand import STAGES, Stage
from simulator.planning.plot_file import US_PER_MINUTE, save_chart, side_by_side, target_line
from simulator.planning.target import Target

_COLOURS: Final = {"before": "#8a8f98", "after": "#2a78d6"}


def rows(comparison: Comparison, stage: Stage) -> list[dict[str, Any]]:
    """Return the rows of a panel: percent of visitors, and the wait in minutes that they do not exceed."""
    return [
        {
            "percent": f"{percent:g}",
            "version": version,
            "wait": interval.estimate / US_PER_MINUTE,
            "low": interval.low / US_PER_MINUTE,
            "high": interval.high / US_PER_MINUTE,
        }
        for percent in PERCENTILES
        for version in _COLOURS
        for interval in [getattr(comparison.stages[stage].percentiles[percent], version)]
    ]


def save_comparison_plot(comparison: Comparison, target: Target, title: str, path: Path) -> None:
    """Draw the waits before and after the change, one panel for each stage.

    Args:
        comparison: What was found for one kind of venue.
        target: Its wait is drawn as a line.
        title: Title of the plot.
        path: File to write, ``.png`` or ``.svg``.

    Raises:
        PlanError: The file cannot be written.
    """
    import altair as alt  # noqa: PLC0415 - a second of import, and only plots need it

    panels = [_panel(alt, rows(comparison, stage), target) for stage in STAGES]
    save_chart(side_by_side(alt, panels, title, ["color"]), path)


def _panel(alt: Any, shown: list[dict[str, Any]], target: Target) -> Any:
    base = alt.Chart(alt.Data(values=shown)).encode(
        x=alt.X(
            "percent:O",
            sort=[f"{percent:g}" for percent in PERCENTILES],
            title="percent of visitors",
            axis=alt.Axis(labelAngle=0, grid=False),
        ),
        color=alt.Color(
            "version:N", scale=alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values())), title="the change"
        ),
    )
    band = base.mark_area(opacity=0.2).encode(
        y=alt.Y("low:Q", title="minutes that they wait at most, 95 % interval"), y2="high:Q"
    )
    lines = base.mark_line(point=True).encode(y="wait:Q")
    return target_line(alt, target.wait_us / US_PER_MINUTE) + band + lines
