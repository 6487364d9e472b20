"""The page: template, style, script, charts and figures in one file that is replaced atomically."""

import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from streaming.storage import path_of
from ticketsim_assets.dashboard.data import ACTIVITIES, HOURLY_DAYS, STAGES, Marts, visitors_over_time


@dataclass(frozen=True, slots=True)
class DashboardSummary:
    """A summary of a page, for metadata and messages."""

    path: str
    visitors: int  #: arrived, over all runs, venues and hours
    hours: int  #: different hours with events
    runs: int
    venues: int
    bytes: int  #: size of the page
    states: dict[str, int]  #: receipts that are proved, counted, unproved and wrong
    figures: dict[str, int]  #: figures of the marts in these states
    missing: tuple[str, ...]  #: tables that the warehouse does not have


def write_page(marts: Marts, destination: Path) -> DashboardSummary:
    """Write the page of ``marts`` to ``destination``, replacing an existing page atomically.

    Missing folders are created. Marts without rows, or none at all, give a page that says what is missing.
    """
    page = render(marts, datetime.now(UTC)).encode()
    destination.parent.mkdir(parents=True, exist_ok=True)
    unfinished = destination.with_name(f".{destination.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(page)
        unfinished.replace(destination)
    finally:
        unfinished.unlink(missing_ok=True)
    return DashboardSummary(
        path=str(destination),
        visitors=sum(marts.venue_hours["visitors_arrived"]),
        hours=len(set(marts.venue_hours["hour"])),
        runs=len(marts.runs),
        venues=len(marts.venues),
        bytes=len(page),
        states=marts.states,
        figures=dict(marts.figures),
        missing=marts.missing,
    )


def publish_page(page: Path, location: str) -> None:
    """Copy the page to ``gs://bucket/name``, from where browsers show the whole of it, an old one or a new one."""
    target = path_of(location)
    # Without its type a browser saves the page instead of showing it.
    target.fs.pipe_file(target.path, page.read_bytes(), content_type="text/html; charset=utf-8")


def preview_png(marts: Marts) -> bytes | None:
    """Draw the latest run's chart of visitors over time as a PNG; None if there are no hours to draw."""
    from ticketsim_assets.dashboard import charts  # noqa: PLC0415 - only drawing needs it

    rows = visitors_over_time(marts)
    return charts.png(charts.visitors(), rows, width=760, height=220) if rows else None


def render(marts: Marts, built_at: datetime) -> str:
    """Render the page as HTML; its size grows with the number of hours, not with the number of visitors."""
    import jinja2  # noqa: PLC0415 - Dagster reads this package at every start
    from markupsafe import Markup  # noqa: PLC0415 - comes with jinja2

    from ticketsim_assets.dashboard import charts  # noqa: PLC0415 - only drawing needs it

    template = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        _resource("template.html")
    )
    empty = not marts.venue_hours["hour"]
    return template.render(
        empty=empty,
        missing=marts.missing,
        activities=ACTIVITIES,
        palettes={"light": charts.LIGHT, "dark": charts.DARK},
        built_at=f"{built_at:%Y-%m-%d %H:%M} UTC",
        style=Markup(_resource("style.css")),  # noqa: S704 - our own file
        script=Markup(_resource("app.js")),  # noqa: S704 - our own file
        vega=Markup("" if empty else _vega()),  # noqa: S704 - the bundle of a pinned package
        specs=Markup(embeddable({} if empty else charts.all_charts())),  # noqa: S704 - escaped by embeddable
        data=Markup(embeddable(_embedded(marts))),  # noqa: S704 - escaped by embeddable
    )


def embeddable(value: Any) -> str:
    """Encode ``value`` as JSON for a script element; no text in it can end the element."""
    return msgspec.json.encode(value).decode().replace("<", "\\u003c")


def _embedded(marts: Marts) -> dict[str, Any]:
    return {
        "hourlyDays": HOURLY_DAYS,
        "activities": [asdict(activity) for activity in ACTIVITIES],
        "runs": marts.runs,
        "venues": marts.venues,
        "latestRun": marts.latest_run,
        "venueHours": marts.venue_hours,
        "receipts": marts.receipts,
        "stages": STAGES,
        "edges": marts.edges,
        "waits": marts.waits,
        "offending": marts.offending,
        "figures": {**marts.figures, "problems": marts.offending_figures},
    }


def _resource(name: str) -> str:
    return (files("ticketsim_assets.dashboard") / name).read_text(encoding="utf-8")


@cache
def _vega() -> str:
    """Return Vega, Vega-Lite and vega-embed as one script that defines ``vegaEmbed``."""
    import vl_convert  # noqa: PLC0415 - a V8 engine

    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    # a function around it, because the bundle would fill the page with its globals
    return "(()=>{" + bundle.replace("</script", "<\\/script") + "})()"
