"""Hadoop's file system ``gs://`` in a session of this machine. Dataproc brings it, and its settings, along."""

from typing import Final

from streaming.spark.jars import ensure_gcs_connector
from streaming.storage import emulator, in_bucket

#: Delta's own choice for ``gs://``, named so that it is not left to a default: its commits are objects that are created
#: with if-generation-match=0, of two writers of a version one is refused (https://docs.delta.io/latest/delta-storage.html).
_LOG_STORE: Final = {"spark.delta.logStore.gs.impl": "io.delta.storage.GCSLogStore"}

#: Credentials of the environment: GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth application-default login`, or the VM's.
_AT_GOOGLE: Final = {"spark.hadoop.fs.gs.auth.type": "APPLICATION_DEFAULT"}


def connector_settings(location: str) -> dict[str, str]:
    """Return the settings that a session on ``location`` needs besides ``DEFAULTS``; none for a disk.

    Raises:
        NoJava, JarsUnavailable: The connector is not in the cache and cannot be downloaded.
    """
    if not in_bucket(location):
        return {}
    # On the class path from the start: jars added to a running session are too late for Hadoop's file systems.
    return {
        "spark.driver.extraClassPath": str(ensure_gcs_connector()),
        **_LOG_STORE,
        **(_at_emulator(endpoint) if (endpoint := emulator()) else _AT_GOOGLE),
    }


def _at_emulator(endpoint: str) -> dict[str, str]:
    return {
        "spark.hadoop.fs.gs.storage.root.url": f"{endpoint}/",
        "spark.hadoop.fs.gs.project.id": "any",
        "spark.hadoop.fs.gs.auth.type": "UNAUTHENTICATED",
        # Renaming by one request, which the emulator does not know.
        "spark.hadoop.fs.gs.operation.move.enable": "false",
        # Of uploads in parts it ignores if-generation-match: both of two writers of a version would win.
        "spark.hadoop.fs.gs.outputstream.direct.upload.enable": "true",
    }
