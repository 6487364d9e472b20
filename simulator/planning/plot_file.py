"""Files of plots: their formats, and the look that they share with the dashboard."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from simulator.exceptions import PlanError
from simulator.planning.demand import STAGES

FORMATS: Final = (".png", ".svg")

US_PER_MINUTE: Final = 60_000_000

#: The dashboard's type and lines.
_CONFIG: Final[dict[str, Any]] = {
    "font": "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif",
    "background": "#ffffff",
    "view": {"stroke": None},
    "title": {"anchor": "start", "color": "#16181d", "fontSize": 15, "fontWeight": 600, "offset": 12},
    "axis": {
        "titleFontWeight": "normal",
        "titleColor": "#5b6068",
        "labelColor": "#5b6068",
        "gridColor": "#e3e3de",
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
    },
    "legend": {"titleFontWeight": "normal", "titleColor": "#5b6068", "labelColor": "#16181d"},
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


def file_of_kind(path: Path, kind: int | None) -> Path:
    """Return the file of one kind of venue, from 1, among several; ``path`` itself if all venues are alike."""
    return path if kind is None else path.with_stem(f"{path.stem}-{kind}")


def target_line(alt: Any, minutes: float) -> Any:
    """Return the dashed line of a target wait."""
    return (
        alt.Chart(alt.Data(values=[{"limit": minutes}]))
        .mark_rule(strokeDash=[6, 4], size=1.5, color="#16181d")
        .encode(y="limit:Q")
    )


def side_by_side(alt: Any, panels: Sequence[Any], title: str, shared: Sequence[str]) -> Any:
    """Return a panel for each of ``STAGES`` in one chart, with the scales ``shared`` the same for all."""
    sized = [
        panel.properties(width=340, height=260, title=stage.capitalize())
        for stage, panel in zip(STAGES, panels, strict=True)
    ]
    return alt.hconcat(*sized, spacing=36).resolve_scale(**dict.fromkeys(shared, "shared")).properties(title=title)


def save_chart(chart: Any, path: Path) -> None:
    """Write an Altair chart in the dashboard's look.

    Raises:
        PlanError: The file cannot be written, or its suffix is not a known format.
    """
    check_plot_file(path)
    try:
        chart.configure(**_CONFIG).save(str(path), **({"scale_factor": 2} if path.suffix.lower() == ".png" else {}))
    except OSError as error:
        raise PlanError(f"Cannot write the plot {path}: {error.strerror}; choose another file.") from error
