"""The dashboard: a copy of the warehouse for readers, and one self-contained HTML page built from it."""

import base64
from pathlib import Path

import dagster as dg

from ticketsim_assets.dashboard.data import Marts, marts_of
from ticketsim_assets.dashboard.page import publish_page, write_page
from ticketsim_assets.dashboard.plans import read_plans
from ticketsim_assets.dashboard.preview import preview_png
from ticketsim_assets.hours.run_history import hours_under_way
from ticketsim_assets.keys import DASHBOARD, HOURLY_JOB, RAW_EVENTS
from ticketsim_assets.resources.warehouse import WarehouseResource


def dashboard_asset(destination: Path, plans: Path, published_as: str, url: str) -> dg.AssetsDefinition:
    """Build the asset that writes the page to ``destination`` from the marts.

    Args:
        destination: The page's file.
        plans: Folder of plans to mark on it.
        published_as: The object that the page is copied to, ``gs://bucket/name``; empty for none.
        url: Where people open the page, shown as a link on the asset; empty if nobody serves it.
    """
    marts = (
        *("agg_venue_hourly", "agg_wait_histogram_hourly", "agg_time_in_system_hourly", "agg_journey_hourly"),
        *("agg_occupancy_5min", "agg_line_hourly", "agg_quarantine_hourly", "dim_duration_bins", "dim_venues"),
        "fct_visitor_journeys",
        *("reconciliation_hourly", "reconciliation_marts_hourly"),
    )

    @dg.asset(
        key=DASHBOARD,
        deps=[dg.AssetKey(["marts", mart]) for mart in marts],
        group_name="dashboard",
        kinds={"html"},
        owners=["team:analytics"],
        metadata={"page": dg.MetadataValue.url(url)} if url else None,
    )
    def dashboard(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult:
        """One HTML file that needs no network: visitors, waits and whether every hour equals its receipts."""
        opened = warehouse.open()
        # A run of other hours may be between their load and their marts.
        opened.publish(lambda: hours_under_way(context.instance, HOURLY_JOB, RAW_EVENTS, queued=False))
        with opened.published() as reader:
            marts = marts_of(reader)
        summary = write_page(marts, destination, read_plans(plans))
        if published_as:
            publish_page(destination, published_as)
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(published_as or destination),
                "preview": dg.MetadataValue.md(_preview(marts)),
                "hours": summary.hours,
                "runs": summary.runs,
                "visitors": summary.visitors,
                **{f"receipts_{state}": count for state, count in summary.states.items()},
            }
        )

    return dashboard


def _preview(marts: Marts) -> str:
    """Draw the chart of visitors over time as Markdown with an inline picture; the UI shows no local files."""
    png = preview_png(marts)
    if png is None:
        return "No hours yet."
    picture = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    return f"Visitors who arrived (solid) and were admitted (dashed).\n\n![visitors over time]({picture})"
