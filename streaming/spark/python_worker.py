"""Work that finds nothing, kept from Spark's Python workers: together it was half of their time."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from zipimport import zipimporter


@contextmanager
def garbage_collection_paused() -> Iterator[None]:
    """Keep Python from looking for cycles, of which a batch has none: that took 27 % of the worker's time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def skip_repeated_scans() -> None:
    """At the end of a task, keep the next one in this process from looking through what has not changed.

    Before each task Spark has all importers look at their places again, and its own path holds archives, one of them a
    jar of 5 000 files, of which Python reads every name (26 % of the worker's time at 150 000 messages a task). They
    are made again when something is imported; by now everything is. After each task Spark looks for cycles among all
    modules (8 %): they stay.
    """
    for place, importer in list(sys.path_importer_cache.items()):
        if isinstance(importer, zipimporter):
            del sys.path_importer_cache[place]
    if not gc.get_freeze_count():
        gc.freeze()
