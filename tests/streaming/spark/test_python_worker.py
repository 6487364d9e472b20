import gc
import importlib
import sys
import zipfile
from zipimport import zipimporter

import pytest

from streaming.spark.python_worker import skip_repeated_scans


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """An archive on Python's path, as Spark puts its own there."""
    path = tmp_path / "modules.zip"
    with zipfile.ZipFile(path, "w") as written:
        written.writestr("imported_early.py", "")
        written.writestr("imported_late.py", "")
    monkeypatch.syspath_prepend(str(path))
    importlib.import_module("imported_early")
    yield str(path)
    gc.unfreeze()
    for name in ("imported_early", "imported_late"):
        sys.modules.pop(name, None)


def test_archives_on_the_path_are_not_read_before_each_task_and_modules_are_found_in_them_all_the_same(
    archive, monkeypatch
):
    read = []
    again = zipimporter.invalidate_caches
    monkeypatch.setattr(zipimporter, "invalidate_caches", lambda self: (read.append(self.archive), again(self)))
    importlib.invalidate_caches()
    assert archive in read

    read.clear()
    skip_repeated_scans()
    importlib.invalidate_caches()
    assert read == []
    importlib.import_module("imported_late")


def test_cycles_among_modules_are_not_looked_for_after_each_task(archive):
    skip_repeated_scans()
    frozen = gc.get_freeze_count()
    assert frozen > 10_000
    skip_repeated_scans()
    assert gc.get_freeze_count() <= frozen, "what a task leaves behind was to be found later"
