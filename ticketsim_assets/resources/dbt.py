"""dbt as the graph runs it: the project with a manifest of its files, and the command with the warehouse's place."""

import hashlib
import importlib.metadata
import sys
from pathlib import Path
from typing import Any, Final

from dagster_dbt import DbtCliInvocation, DbtCliResource, DbtProject, DbtProjectPreparer
from filelock import FileLock

from streaming.child_environment import as_environment, of_dbt
from ticketsim_assets.dagster_dbt_internals import InstalledDbtCliResource
from ticketsim_assets.resources.dbt_lineage import PROJECT_DIR, parsed_path
from ticketsim_assets.resources.warehouse import WarehouseResource

#: What dbt reads of its project; the folders beside them are what it writes.
_READ_BY_DBT: Final = frozenset({".sql", ".yml", ".yaml", ".md", ".csv"})
_WRITTEN_BY_DBT: Final = frozenset({"target", "logs"})

#: dbt's command line for a DuckDB file; a module to be run, since its import changes nothing.
_FOR_ANY_HOME: Final = "ticketsim_assets.resources.dbt_command"


class TicketsimDbt(InstalledDbtCliResource):
    """dagster-dbt's resource, which gives dbt the warehouse of the graph."""

    warehouse: WarehouseResource
    parsed_path: str  #: where the project was parsed, relative to it: each engine has a folder of its own

    def cli(self, *args: Any, **options: Any) -> DbtCliInvocation:
        """Start a dbt command; see the base class. It gets our environment without flags of dbt, and the warehouse."""
        place = {**self.warehouse.target.dbt_environment(), "DBT_TARGET_PATH": self.parsed_path}
        with as_environment({**of_dbt(), **place}):
            return super().cli(*args, **options)


class ManifestPreparer(DbtProjectPreparer):
    """Parses the project when its files are not those that its manifest was made from, in development or not.

    dagster-dbt's own parses whenever ``dagster dev`` is an ancestor, so in every run's worker as well: 13 s each. A
    manifest is not compared by times, by which a model that was deleted, renamed or checked out is not seen.
    """

    def __init__(self, dbt: DbtCliResource) -> None:
        """Parse with ``dbt``."""
        self._dbt = dbt

    def prepare_if_dev(self, project: DbtProject) -> None:
        """Parse if needed; processes that start at once on a fresh clone wait for the one that does."""
        folder = project.manifest_path.parent
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".prepare.lock"):
            if not self._is_current(project):
                self.prepare(project)

    def prepare(self, project: DbtProject) -> None:
        """Parse, and note which files the manifest was made from."""
        files = _digest_of_files(project.project_dir)
        self._dbt.cli(["parse", "--quiet"], target_path=project.target_path).wait()
        _note(project).write_text(_fingerprint(project, files), encoding="utf-8")

    def _is_current(self, project: DbtProject) -> bool:
        if not (project.manifest_path.exists() and _note(project).exists()):
            return False
        found = _fingerprint(project, _digest_of_files(project.project_dir))
        return _note(project).read_text(encoding="utf-8") == found


def dbt_project(dbt: TicketsimDbt) -> DbtProject:
    """Return the project, with a manifest of its files as they are now; ``dbt`` parses it if need be."""
    project = DbtProject(dbt.project_dir, profiles_dir=dbt.profiles_dir, target=dbt.target, target_path=dbt.parsed_path)
    ManifestPreparer(dbt).prepare_if_dev(project)
    return project


def dbt_resource(warehouse: WarehouseResource, project_dir: Path = PROJECT_DIR) -> TicketsimDbt:
    """Return the dbt of this environment, for the models of ``project_dir`` in ``warehouse``."""
    engine = warehouse.target.engine
    any_home = engine == "duckdb"
    return TicketsimDbt(
        project_dir=str(project_dir),
        profiles_dir=str(project_dir),
        target=engine,
        dbt_executable=sys.executable if any_home else str(Path(sys.executable).with_name("dbt")),
        global_config_flags=["-P", "-m", _FOR_ANY_HOME] if any_home else [],  # they are what follows the executable
        warehouse=warehouse,
        parsed_path=parsed_path(engine),
    )


def _note(project: DbtProject) -> Path:
    return project.manifest_path.with_name("prepared_from.txt")


def _fingerprint(project: DbtProject, files: str) -> str:
    """Fingerprint files and manifest, which another dbt may have written; an upgrade of dbt parses again.

    So does a parse that dbt's own command line made, for one home alone: its runs in others would parse each time.
    """
    manifest = hashlib.sha256(project.manifest_path.read_bytes()).hexdigest()
    made_by = f"dbt {importlib.metadata.version('dbt-core')} for all homes"
    return f"{made_by}\nfiles {files}\nmanifest {manifest}\n"


def _digest_of_files(project_dir: Path) -> str:
    """Names and contents of all that dbt reads: 70 files, a few milliseconds."""
    digest = hashlib.sha256()
    roots = (path for path in project_dir.iterdir() if path.name not in _WRITTEN_BY_DBT)
    found = (path for root in roots for path in ([root] if root.is_file() else root.rglob("*")))
    for path in sorted(path for path in found if path.suffix in _READ_BY_DBT and path.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(project_dir).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()
