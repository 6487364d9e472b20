"""A child that must not outlive its parent, with real processes; dbt's is killed in integration/test_materialize.py."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from ticketsim_assets.resources.child_process import killed_with_parent

PARENT = """
import subprocess, time
from ticketsim_assets.resources.child_process import killed_with_parent
child = subprocess.Popen(["sleep", "60"])
with killed_with_parent(child):
    print(child.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.slow
def test_the_child_of_a_process_that_was_killed_is_killed():
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, text=True) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    assert not psutil.wait_procs([child], timeout=5)[1]


@pytest.mark.parametrize("error", [None, KeyboardInterrupt])
def test_it_is_left_alone_once_the_block_has_ended(error):
    with subprocess.Popen(["sleep", "60"]) as child:
        try:
            with killed_with_parent(child):
                if error:
                    raise error
        except KeyboardInterrupt:
            pass
        assert child.poll() is None
        child.kill()
