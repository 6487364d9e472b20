"""Event logs of the shapes that were published, the whole way: to receipts, lines and the page."""

import json

import duckdb
import pytest

from simulator.replay import open_event_log, plan_replay, replay

from ..simulator.replay.conftest import START, PublishedModel
from ..ticketsim_assets.conftest import LakeMaker, Recorder
from .conftest import CommandLine

pytestmark = pytest.mark.slow

#: What the names of the four published logs say: whether each server has a line, by stage.
SHAPES = {
    "lines-of-their-own": (),
    "sellers-one-line": ("sellers",),
    "scanners-one-line": ("scanners",),
    "one-line": ("sellers", "scanners"),
}


def test_every_shape_of_a_published_log_goes_the_whole_way_to_green_receipts_lines_and_a_page(tmp_path):
    ticketsim = CommandLine(tmp_path / "home", 9)
    maker = LakeMaker(ticketsim.home / "lake")
    for number, (name, one_line) in enumerate(SHAPES.items()):
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(PublishedModel(number, one_line=one_line).run(60)), "utf-8")
        sink = Recorder()
        with open_event_log(file) as log:
            replay(log, plan_replay(log, start=START, run_id=name), sink)
        maker.append(sink.messages)
    answer = ticketsim("materialize", "--due", "--json")
    assert answer.code == 0, answer.err
    reconciled = ticketsim("reconcile", "--strict", "--json")
    assert reconciled.code == 0, reconciled.out
    assert {run["run_id"]: run["state"] for run in reconciled.json["runs"]} == dict.fromkeys(SHAPES, "proved")
    assert ticketsim("dashboard", "--json").json["states"]["wrong"] == 0
    assert (ticketsim.home / "dashboard" / "index.html").exists()
    with duckdb.connect(ticketsim.home / "warehouse.duckdb", read_only=True) as connection:
        lines = connection.execute(
            "select run_id, stage, count(*), min(servers), max(servers) from marts.dim_lines group by 1, 2"
        ).fetchall()
        [(busiest,)] = connection.execute("select max(utilisation) from marts.agg_line_hourly").fetchall()
    assert {(run, stage): tuple(figures) for run, stage, *figures in lines} == {
        (name, stage): (1, servers, servers) if f"{stage}s" in one_line else (servers, 1, 1)
        for name, one_line in SHAPES.items()
        for stage, servers in (("seller", 6), ("scanner", 4))
    }
    assert 0.3 < busiest < 1.02
