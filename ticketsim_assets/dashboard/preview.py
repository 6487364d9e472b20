"""The picture of the page's first chart for Dagster's UI, which shows no local files."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ticketsim_assets.dashboard.data import Marts, visitors_over_time

_WIDTH: Final = 760
_HEIGHT: Final = 220
_COLOURS: Final = {"arrived": "#2a78d6", "admitted": "#c2511c"}


def preview_png(marts: Marts) -> bytes | None:
    """Draw the latest run's visitors over time as a PNG; None if there are no hours to draw."""
    rows = visitors_over_time(marts)
    return _png(rows) if rows else None


def _png(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Draw two lines, the second dashed; rows as of ``visitors_over_time``."""
    import altair as alt  # noqa: PLC0415 - a second of import, and Dagster reads this package at every start
    import vl_convert  # noqa: PLC0415 - a V8 engine

    names = list(_COLOURS)
    chart = (
        alt.Chart(alt.Data(values=[dict(row) for row in rows]))
        .transform_fold([*names], as_=["name", "value"])
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("mid:T", title=None, scale=alt.Scale(type="utc"), axis=alt.Axis(grid=False, format="%-d %b %H:%M")),
            y=alt.Y("value:Q", title=None, axis=alt.Axis(format=",d", tickCount=4, domain=False)),
            color=alt.Color("name:N", scale=alt.Scale(domain=names, range=list(_COLOURS.values())), legend=None),
            strokeDash=alt.StrokeDash("name:N", scale=alt.Scale(domain=names, range=[[1, 0], [5, 3]]), legend=None),
        )
        .properties(width=_WIDTH, height=_HEIGHT)
        .configure_view(stroke=None)
    )
    image: bytes = vl_convert.vegalite_to_png(chart.to_dict(), scale=1.5)
    return image
