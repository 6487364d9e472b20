"""Access to Delta tables without a JVM, on a disk or in a bucket; `streaming.storage` itself needs no Delta."""

import json

from deltalake import DeltaTable

from streaming.storage import emulator, in_bucket


def table_exists(location: str) -> bool:
    """Return whether there is a Delta table at ``location``."""
    return DeltaTable.is_deltatable(location, _options(location))


def open_table(location: str) -> DeltaTable:
    """Return the Delta table at ``location``, at its newest version."""
    return DeltaTable(location, storage_options=_options(location))


def _options(location: str) -> dict[str, str] | None:
    """Return the options with which `deltalake` uses an emulator: its address as part of an anonymous key.

    See https://docs.rs/object_store/latest/object_store/gcp/ (``gcs_base_url``, ``disable_oauth``).
    """
    endpoint = emulator()
    if not in_bucket(location) or endpoint is None:
        return None
    nobody = {"client_email": "", "private_key": "", "private_key_id": ""}
    key = {"gcs_base_url": endpoint, "disable_oauth": True, **nobody}
    return {"google_service_account_key": json.dumps(key), "allow_http": "true"}
