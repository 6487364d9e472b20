"""Dagster's instance on the laptop: created by processes that start at the same time, and brought up to date."""

import json
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from ticketsim.stack.dagster_home import CONFIGURATION, make_instance

#: Opens the instance of each folder in its arguments; without a lock, one of two concurrent processes often fails.
OPEN_EACH = """
import sys
from pathlib import Path
from dagster import DagsterInstance
from ticketsim.stack.dagster_home import make_instance
for line in sys.stdin:
    make_instance(Path(line.strip()))
    with DagsterInstance.from_config(line.strip()) as instance:
        print(len(instance.get_runs()), len(instance.all_instigator_state()), flush=True)
"""


@pytest.mark.slow
def test_two_processes_may_make_an_instance_at_once(tmp_path):
    command = [sys.executable, "-c", OPEN_EACH]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    both = [subprocess.Popen(command, cwd=Path(__file__).parents[3], text=True, **pipes) for _ in range(2)]
    for number in range(5):
        for process in both:
            process.stdin.write(f"{tmp_path / str(number)}\n")
            process.stdin.flush()
        if [process.stdout.readline() for process in both] != ["0 0\n", "0 0\n"]:
            break
    complaints = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], complaints


def test_an_instance_whose_configuration_names_a_class_of_an_earlier_version_keeps_its_history(tmp_path):
    make_instance(tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization("known"))
    storage = {"module": "ticketsim.stack.event_log", "class": "BatchedEventLogStorage"}
    where = {"config": {"base_dir": str(tmp_path / "history" / "runs")}}
    own = CONFIGURATION.read_text(encoding="utf-8")
    (tmp_path / "dagster.yaml").write_text(f"{own}\nevent_log_storage: {json.dumps(storage | where)}\n")
    with pytest.raises(Exception, match=r"Couldn't import module ticketsim\.stack\.event_log"):
        dg.DagsterInstance.from_config(str(tmp_path))
    make_instance(tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert instance.all_asset_keys() == [dg.AssetKey("known")]
