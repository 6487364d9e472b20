"""Tests that need Airflow. `make test` runs them in its environment; anywhere else they are not collected."""

import importlib.util
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent

if importlib.util.find_spec("airflow") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    import tempfile

    os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="ticketsim-airflow-"))
    sys.path.insert(0, str(HERE.parents[2] / "deploy" / "airflow" / "plugins"))
    sys.path.insert(0, str(HERE.parent))
