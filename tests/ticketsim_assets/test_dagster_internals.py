"""What is written out of Dagster's internals equals Dagster's own, and nobody else knows any of them."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import dagster as dg
import pytest
from dagster._core.definitions.data_version import DATA_VERSION_TAG
from dagster._core.events import RunFailureReason
from dagster._core.storage import tags
from dagster._core.storage.dagster_run import FINISHED_STATUSES, NOT_FINISHED_STATUSES

import ticketsim_assets
from ticketsim_assets import dagster_internals
from ticketsim_assets.dagster_internals import execute_here, job_origin

ROOT = Path(__file__).parents[2]

#: Who may import Dagster's private modules: one module of ours, what writes records for tests, and this comparison.
MAY = {"ticketsim_assets/dagster_internals.py", "tests/dagster_records.py", Path(__file__).relative_to(ROOT).as_posix()}


@pytest.mark.parametrize(
    ("ours", "dagster_s"),
    [
        ("PARTITION_TAG", tags.PARTITION_NAME_TAG),
        ("RANGE_START_TAG", tags.ASSET_PARTITION_RANGE_START_TAG),
        ("RANGE_END_TAG", tags.ASSET_PARTITION_RANGE_END_TAG),
        ("DATA_VERSION_TAG", DATA_VERSION_TAG),
        ("RUN_KEY_TAG", tags.RUN_KEY_TAG),
        ("MAX_RETRIES_TAG", tags.MAX_RETRIES_TAG),
        ("RETRY_STRATEGY_TAG", tags.RETRY_STRATEGY_TAG),
        ("FAILURE_REASON_TAG", tags.RUN_FAILURE_REASON_TAG),
        ("CODE_SERVER_TAG", tags.GRPC_INFO_TAG),
    ],
)
def test_every_tag_is_named_as_dagster_names_it(ours, dagster_s):
    assert getattr(dagster_internals, ours) == dagster_s


def test_a_run_s_status_is_finished_or_not_as_dagster_says():
    assert set(dagster_internals.FINISHED) == set(FINISHED_STATUSES)
    assert set(dagster_internals.NOT_FINISHED) == set(NOT_FINISHED_STATUSES)


def test_every_reason_of_dagster_is_a_crash_or_says_something_of_the_run():
    failures = {
        RunFailureReason.RUN_EXCEPTION,
        RunFailureReason.STEP_FAILURE,
        RunFailureReason.JOB_INITIALIZATION_FAILURE,
    }
    assert {reason.value for reason in set(RunFailureReason) - failures} == dagster_internals.CRASH_REASONS


@dg.job(executor_def=dg.in_process_executor)
def nothing_to_do():
    pass


def test_a_run_of_this_process_names_its_code_location_as_a_webserver_does():
    with dg.DagsterInstance.ephemeral() as instance:
        origin = job_origin("some.module", "__repository__", "nothing_to_do")
        result = execute_here(nothing_to_do, instance, origin, run_config={}, tags={"asked": "here"})
        run = instance.get_run_by_id(result.run_id)
    assert result.success
    assert run.remote_job_origin == origin
    assert run.tags["dagster/code_location"] == "some.module"
    assert run.tags["asked"] == "here"
    assert run.tags_for_storage()[".dagster/repository"] == "__repository__@some.module"


def private_imports(code: str) -> Iterator[str]:
    """Names of Dagster's private modules that ``code`` imports, of its libraries' too."""
    for node in ast.walk(ast.parse(code)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            package, *inner = name.split(".")
            if package.split("_")[0] == "dagster" and any(part.startswith("_") for part in inner):
                yield name


@pytest.mark.parametrize(
    "code",
    [
        "from dagster._core.storage.tags import RUN_KEY_TAG",
        "import dagster._core.events as events",
        "def late():\n    from dagster import _check",
        "from dagster_dbt.core._private import something",
    ],
)
def test_a_private_import_is_seen(code):
    assert list(private_imports(code))


@pytest.mark.parametrize("code", ["import dagster as dg", "from dagster_dbt import DbtProject", "from os import _exit"])
def test_a_public_import_is_no_private_one(code):
    assert not list(private_imports(code))


def redefined_members(module: ModuleType) -> Iterator[str]:
    """Members of classes of ``module`` that a class of Dagster has, with a name that is private there."""
    classes = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__]
    for each in classes:
        of_dagster = [base for base in each.__mro__[1:] if base.__module__.split(".")[0].split("_")[0] == "dagster"]
        for name in vars(each):
            private = name.startswith("_") and not name.startswith(("__", "_abc_"))
            if private and any(name in vars(base) for base in of_dagster):
                yield f"{module.__name__}.{each.__name__}.{name}"


def test_no_other_class_redefines_what_is_private_in_a_class_of_dagster():
    names = [module.name for module in pkgutil.walk_packages(ticketsim_assets.__path__, "ticketsim_assets.")]
    # definitions only puts together what the others define
    modules = [importlib.import_module(name) for name in names if name != "ticketsim_assets.definitions"]
    redefined = [member for module in modules for member in redefined_members(module)]
    resource = "ticketsim_assets.dagster_dbt_internals.InstalledDbtCliResource"
    assert redefined == [f"{resource}._cli_version", f"{resource}._initialize_dbt_core_adapter"]


def test_no_other_module_imports_what_is_private_in_dagster():
    folders = ("simulator", "streaming", "ticketsim_assets", "ticketsim", "benchmarks", "deploy", "dbt", "tests")
    files = {path.relative_to(ROOT).as_posix(): path for folder in folders for path in (ROOT / folder).rglob("*.py")}
    assert files.keys() >= MAY
    found = {name: list(private_imports(path.read_text(encoding="utf-8"))) for name, path in files.items()}
    assert {name: imports for name, imports in found.items() if imports and name not in MAY} == {}
