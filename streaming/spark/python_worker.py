"""Scans without a result that Spark's Python workers are spared: together they took half of their time."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from zipimport import zipimporter


@contextmanager
def garbage_collection_paused() -> Iterator[None]:
    """Pause the search for reference cycles, of which a batch has none: it took 27 % of the worker's time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def skip_repeated_scans() -> None:
    """Keep the next task in this process from scanning archives and modules that have not changed.

    Called at the end of a task. Before each task Spark invalidates the caches of all importers, and its path holds
    archives, one of them a jar of 5 000 files, of which Python then reads every name (26 % of the worker's time at
    150 000 messages a task). Importers are recreated when something is imported, and at the end of a task everything
    is. After each task Spark looks for cycles among all modules (8 %): frozen ones are left out.
    """
    for entry, importer in list(sys.path_importer_cache.items()):
        if isinstance(importer, zipimporter):
            del sys.path_importer_cache[entry]
    if not gc.get_freeze_count():
        gc.freeze()
