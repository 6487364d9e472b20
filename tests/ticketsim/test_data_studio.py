from urllib.parse import parse_qs, urlsplit

import yaml
from typer.testing import CliRunner

from ticketsim import cli
from ticketsim.commands.data_studio import VIEWS, report_link

from ..dbt.conftest import DBT_DIR


def test_a_link_names_the_view_and_who_pays_and_survives_odd_names():
    link = urlsplit(report_link("my-project:x", "my marts&", "report"))
    asked = {name: value for name, [value] in parse_qs(link.query, strict_parsing=True).items()}
    assert (link.scheme, link.netloc, link.path) == ("https", "datastudio.google.com", "/reporting/create")
    assert (asked["ds.projectId"], asked["ds.datasetId"], asked["ds.tableId"]) == (
        "my-project:x",
        "my marts&",
        "report",
    )
    assert asked["ds.billingProjectId"] == "my-project:x"


def test_the_command_prints_a_link_for_each_view_made_for_the_report():
    answer = CliRunner().invoke(cli.app, ["data-studio", "--project", "p", "--dataset", "marts"])
    assert answer.exit_code == 0
    links = [line for line in answer.stdout.splitlines() if line.startswith("https://")]
    assert links == [report_link("p", "marts", view) for view in VIEWS]
    exposures = yaml.safe_load((DBT_DIR / "models/exposures.yml").read_text())["exposures"]
    [report] = [exposure for exposure in exposures if exposure["name"] == "data_studio_report"]
    assert {f"ref('{view}')" for view in VIEWS} <= set(report["depends_on"])
