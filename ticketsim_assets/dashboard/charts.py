"""The charts as Altair specifications, without data: the page's script adds the rows to each chart's source.

Colours are tokens (``@name``), since one specification serves the light and the dark page: they are replaced by the
colour of that name in a palette, in the browser by the CSS variable ``--name`` that is written from it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from ticketsim_assets.dashboard.data import ACTIVITIES, STAGES

#: Name of the data source that rows are pushed into.
SOURCE: Final = "src"

LIGHT: Final[dict[str, str]] = {
    "bg": "#f7f7f5",
    "card": "#ffffff",
    "ink": "#16181d",
    "muted": "#5b6068",
    "line": "#e3e3de",
    "field": "#8a8f98",
    "first": "#2a78d6",
    "second": "#c2511c",
    "scanner": "#1b8a6b",
    "faint": "#b9cfea",
    "proved": "#176b34",
    "provedbg": "#e3f4e8",
    "counted": "#0b4f8a",
    "countedbg": "#e3effa",
    "unproved": "#7a4a00",
    "unprovedbg": "#fdf0d5",
    "wrong": "#a61b1b",
    "wrongbg": "#fde7e5",
    "unchecked": "#4a4f57",
    "uncheckedbg": "#ececea",
}

DARK: Final[dict[str, str]] = {
    "bg": "#101114",
    "card": "#191b20",
    "ink": "#eceef2",
    "muted": "#a0a6b1",
    "line": "#2c2f37",
    "field": "#757c88",
    "first": "#5b9df0",
    "second": "#f0895a",
    "scanner": "#4fc3a1",
    "faint": "#2f4a70",
    "proved": "#7ddc9c",
    "provedbg": "#12301d",
    "counted": "#8cc4f5",
    "countedbg": "#10283d",
    "unproved": "#f5c66b",
    "unprovedbg": "#37290b",
    "wrong": "#ff9b93",
    "wrongbg": "#421a18",
    "unchecked": "#c3c8d1",
    "uncheckedbg": "#2a2d34",
}

_CONFIG: Final[dict[str, Any]] = {
    "background": "transparent",
    "font": "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "@muted",
        "labelFontSize": 11,
        "gridColor": "@line",
        "domainColor": "@line",
        "tickColor": "@line",
        "title": None,
    },
    "axisX": {"grid": False, "labelFlush": True, "labelOverlap": True},
    "axisY": {"domain": False, "ticks": False, "labelPadding": 6, "tickCount": 4},
}

#: Labels of a time axis in UTC: the day where one begins, else the time.
_TIME_LABELS: Final = "utcFormat(datum.value, utcFormat(datum.value, '%H:%M') == '00:00' ? '%-d %b' : '%H:%M')"

#: As many as there is room for, but never finer than the hours that are drawn.
_TIME_TICKS: Final = "min(ceil(width / 90), ceil((domain('x')[1] - domain('x')[0]) / 3600000))"


def overview() -> dict[str, Any]:
    """Build the bars over the whole span, brushed to choose a range; rows: ``t``, ``end`` (ms) and ``v``."""
    import altair as alt  # noqa: PLC0415 - a second of import, and Dagster reads this package at every start

    brush = alt.selection_interval(
        encodings=["x"],
        name="range",
        mark=alt.BrushConfig(fill="@first", fillOpacity=0.12, stroke="@first", strokeOpacity=0.7),
    )
    chart = (
        _base(alt)
        .mark_rect(stroke="@card", strokeWidth=0.5)
        .encode(
            x=_time_axis(alt),
            x2="end",
            y=alt.Y("v:Q", axis=None, scale=alt.Scale(zero=True)),
            y2=alt.datum(0),
            color=alt.when(brush).then(alt.value("@first")).otherwise(alt.value("@faint")),
        )
        .add_params(brush)
    )
    return _spec(chart)


def visitors() -> dict[str, Any]:
    """Build the lines of visitors arrived and admitted.

    Rows, one per hour or day: ``t``, ``mid`` and ``end`` (ms), ``when`` for reading, ``arrived``, ``admitted``, and
    ``alone`` if there are figures in neither of the neighbours.
    """
    import altair as alt  # noqa: PLC0415 - see overview

    names = ["arrived", "admitted"]
    tooltip = [alt.Tooltip(f"{name}:Q", title=name.capitalize(), format=",") for name in names]
    return _spec(_lines(alt, names, ["@first", "@second"], ",d", tooltip))


def processing(kind: Literal["walk", "wait", "service"]) -> dict[str, Any]:
    """Build the lines of the average minutes per visitor on activities of ``kind``, at sellers and at scanners.

    Rows as of ``visitors``, with the minutes under each activity's key and ``<key>_text``, the same for reading.
    """
    import altair as alt  # noqa: PLC0415 - see overview

    shown = [activity for activity in ACTIVITIES if activity.kind == kind]
    tooltip = [alt.Tooltip(f"{activity.key}_text:N", title=activity.label) for activity in shown]
    return _spec(_lines(alt, [activity.key for activity in shown], ["@first", "@scanner"], ".2~f", tooltip))


def averages() -> dict[str, Any]:
    """Build a bar per activity; rows: ``label``, ``stage``, ``minutes``, ``text`` and ``room``, where the axis ends."""
    import altair as alt  # noqa: PLC0415 - see overview

    base = _base(alt).encode(
        y=alt.Y(
            "label:N", sort=[activity.label for activity in ACTIVITIES], axis=alt.Axis(labelLimit=0, labelFontSize=12)
        )
    )
    bars = base.mark_bar(cornerRadiusEnd=3, height={"band": 0.62}).encode(
        x=alt.X("minutes:Q", axis=None), color=_colour(alt, "stage", ["seller", "scanner"], ["@first", "@scanner"])
    )
    texts = base.mark_text(align="left", dx=6, color="@ink", fontSize=12).encode(x="minutes:Q", text="text:N")
    room = base.mark_point(opacity=0).encode(x="room:Q")
    return _spec(alt.layer(bars, texts, room))


def waits() -> dict[str, Any]:
    """Build the histogram of waits, at sellers and at scanners side by side.

    Rows, one per bucket and stage: ``label``, ``position`` for the order, ``stage``, ``share`` (0 to 1) and ``text``.
    """
    import altair as alt  # noqa: PLC0415 - see overview

    axis = alt.Axis(labelAngle=0, labelOverlap=True, ticks=False)
    chart = (
        _base(alt)
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            x=alt.X("label:N", sort=alt.EncodingSortField("position", op="min"), axis=axis),
            xOffset=alt.XOffset("stage:N", sort=list(STAGES)),
            y=alt.Y("share:Q", axis=alt.Axis(format="%"), scale=alt.Scale(zero=True)),
            color=_colour(alt, "stage", list(STAGES), ["@first", "@scanner"]),
            tooltip=[alt.Tooltip("label:N", title="Wait"), alt.Tooltip("text:N", title="Visitors")],
        )
    )
    return _spec(chart)


def all_charts() -> dict[str, dict[str, Any]]:
    """Build every chart of the page, by the name of its element."""
    return {
        "overview": overview(),
        "visitors": visitors(),
        "walk": processing("walk"),
        "wait": processing("wait"),
        "service": processing("service"),
        "averages": averages(),
        "waits": waits(),
    }


def painted(spec: Mapping[str, Any], palette: Mapping[str, str]) -> dict[str, Any]:
    """Return ``spec`` with every token replaced by its colour in ``palette``.

    Raises:
        KeyError: a token is not in the palette.
    """
    text = re.sub(r'"@([a-z]+)"', lambda token: json.dumps(palette[token[1]]), json.dumps(spec))
    painted_spec: dict[str, Any] = json.loads(text)
    return painted_spec


def png(spec: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], width: int, height: int) -> bytes:
    """Draw ``spec`` on a light background with ``rows`` as its data; width and height in pixels."""
    import vl_convert  # noqa: PLC0415 - a V8 engine

    sized = painted(spec, LIGHT) | {"datasets": {SOURCE: list(rows)}, "width": width, "height": height}
    sized["config"] = sized["config"] | {"background": LIGHT["card"]}
    image: bytes = vl_convert.vegalite_to_png(sized, scale=1.5)
    return image


def _base(alt: Any) -> Any:
    return alt.Chart(alt.NamedData(SOURCE))


def _time_axis(alt: Any) -> Any:
    return alt.X(
        "t:T", scale=alt.Scale(type="utc"), axis=alt.Axis(labelExpr=_TIME_LABELS, tickCount=alt.ExprRef(_TIME_TICKS))
    )


def _colour(alt: Any, field: str, names: list[str], tokens: list[str]) -> Any:
    return alt.Color(f"{field}:N", scale=alt.Scale(domain=names, range=tokens), legend=None)


def _lines(alt: Any, names: list[str], tokens: list[str], y_format: str, tooltip: list[Any]) -> Any:
    """Build two lines, the second dashed, over wide rows; the pointer shows a rule and the tooltip."""
    hover = alt.selection_point(name="hover", fields=["t"], on="pointerover", clear="pointerout", empty=False)
    hovered = alt.when(hover)
    rule = (
        _base(alt)
        .mark_rule(color="@muted")
        .encode(x="mid:T", opacity=hovered.then(alt.value(0.5)).otherwise(alt.value(0)))
    )
    folded = (
        _base(alt)
        .transform_fold(names, as_=["name", "value"])
        .encode(
            x="mid:T",
            y=alt.Y("value:Q", axis=alt.Axis(format=y_format), scale=alt.Scale(zero=True)),
            color=_colour(alt, "name", names, tokens),
        )
    )
    dash = alt.StrokeDash("name:N", scale=alt.Scale(domain=names, range=[[1, 0], [5, 3]]), legend=None)
    # a value between two gaps is no line: its point is the only sign of it
    points = folded.mark_point(filled=True, size=26).encode(
        opacity=alt.when(hover | alt.datum.alone).then(alt.value(1)).otherwise(alt.value(0))
    )
    # not the nearest point: Vega-Lite fills the tooltip of that with "undefined" for texts
    target = (
        _base(alt)
        .mark_rect(opacity=0)
        .encode(x=_time_axis(alt), x2="end", tooltip=[alt.Tooltip("when:N", title="Time"), *tooltip])
        .add_params(hover)
    )
    return alt.layer(rule, folded.mark_line(strokeWidth=2).encode(strokeDash=dash), points, target)


def _spec(chart: Any) -> dict[str, Any]:
    """Return the chart as a specification that fills its element and takes its data from SOURCE."""
    spec: dict[str, Any] = chart.properties(width="container", height="container").to_dict()
    return spec | {
        "config": _CONFIG,
        "datasets": {SOURCE: []},
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": {"left": 0, "right": 4, "top": 6, "bottom": 4},
    }
