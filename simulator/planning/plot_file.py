"""Files of plots: their formats, and the look that they share with the dashboard."""

from pathlib import Path
from typing import Any, Final

from simulator.exceptions import PlanError

FORMATS: Final = (".png", ".svg")

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
