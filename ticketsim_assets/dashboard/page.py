"""The page: template, style, script and figures in one file that is replaced atomically."""

import base64
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec

from streaming.storage import path_of
from ticketsim_assets.dashboard.badge import badge_of
from ticketsim_assets.dashboard.data import Marts
from ticketsim_assets.dashboard.layout import encode
from ticketsim_assets.dashboard.plans import PlanMark, plans_of_run
from ticketsim_assets.dashboard.replay import replay_head

#: Observable Plot puts this text into each chart as a style element; it is the same for the same className.
_STYLE_OF_PLOT: Final = """:where(.plot) {
  --plot-background: white;
  display: block;
  height: auto;
  height: intrinsic;
  max-width: 100%;
}
:where(.plot text),
:where(.plot tspan) {
  white-space: pre;
}"""


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


def write_page(marts: Marts, destination: Path, plans: Sequence[PlanMark] = ()) -> DashboardSummary:
    """Write the page of ``marts`` to ``destination``, replacing an existing page atomically.

    Missing folders are created. Marts without rows, or none at all, give a page that says what is missing.
    """
    page = render(marts, datetime.now(UTC), plans).encode()
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


def render(marts: Marts, built_at: datetime, plans: Sequence[PlanMark] = ()) -> str:
    """Render the page as HTML; its size grows with the number of hours, and with the visitors of the days it replays.

    A browser runs the one script and applies the styles that the page names by their hashes, and asks nobody for
    anything.
    """
    import jinja2  # noqa: PLC0415 - Dagster reads this package at every start
    from markupsafe import Markup  # noqa: PLC0415 - comes with jinja2

    template = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        _resource("template.html")
    )
    style, script = _resource("style.css"), _resource("page.js")
    head, columns = encode(marts)
    return template.render(
        empty=not marts.venue_hours["hour"],
        missing=marts.missing,
        verdict=badge_of(marts.states, marts.figures),
        built_at=f"{built_at:%Y-%m-%d %H:%M} UTC",
        policy=_policy(style, script),
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own bundle, which refuses to be built with an end of its element in it
        head=Markup(embeddable(head)),  # noqa: S704 - escaped by embeddable
        columns=columns,
        replay=Markup(_replay(marts, plans)),  # noqa: S704 - escaped by embeddable
    )


def _replay(marts: Marts, plans: Sequence[PlanMark]) -> str:
    """Return the days to replay, with the plans for them, as JSON; empty if there are none."""
    if not marts.replay or marts.latest_run is None:
        return ""
    return embeddable(replay_head(marts.replay) | {"plans": plans_of_run(plans, marts.runs[marts.latest_run])})


def embeddable(value: Any) -> str:
    """Encode ``value`` as JSON for a script element; no text in it can end the element."""
    return msgspec.json.encode(value).decode().replace("<", "\\u003c")


def _policy(style: str, script: str) -> str:
    """Return a Content-Security-Policy that allows this style and this script and nothing else."""
    return (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)} {_hash(_STYLE_OF_PLOT)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    """Return ``text`` as a source of a Content-Security-Policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _resource(name: str) -> str:
    return (files("ticketsim_assets.dashboard") / name).read_text(encoding="utf-8")
