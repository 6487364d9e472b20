"""``ticketsim data-studio``: the link that creates a report on the warehouse in BigQuery."""

from typing import Annotated
from urllib.parse import urlencode

import typer

from ticketsim.output import JsonOption, emit_json, print_result, say

#: The views of the report; one link opens a report on one of them, docs/data-studio.md adds the other.
VIEWS = ("report_visitors_hourly", "report_processing_hourly")

ProjectOption = Annotated[str, typer.Option(help="Google Cloud project that has the dataset and pays for queries.")]
DatasetOption = Annotated[str, typer.Option(help="Dataset of the readers: the prefix and `published`.")]


def data_studio(project: ProjectOption, dataset: DatasetOption, as_json: JsonOption = False) -> None:
    """Print the link that creates a Data Studio report on the marts in BigQuery, one per view.

    No request is sent to Google: open a link in a browser that is signed in there. See docs/data-studio.md for the
    next steps.
    """
    links = {view: report_link(project, dataset, view) for view in VIEWS}
    if as_json:
        emit_json({"project": project, "dataset": dataset, "links": links})
        return
    for view, link in links.items():
        say(view)
        print_result(link)


def report_link(project: str, dataset: str, table: str) -> str:
    """Build the URL that creates a blank report whose data source is ``table``.

    Its parameters are those of the Linking API (https://developers.google.com/looker-studio/integrate/linking-api).
    """
    parameters = {
        "c.mode": "edit",
        "r.reportName": "Ticketsim",
        "ds.connector": "bigQuery",
        "ds.type": "TABLE",
        "ds.projectId": project,
        "ds.datasetId": dataset,
        "ds.tableId": table,
        "ds.billingProjectId": project,
        "ds.datasourceName": table,
    }
    return f"https://datastudio.google.com/reporting/create?{urlencode(parameters)}"
