"""The release of the code for Dataproc: builds the folder that jobs use, and uploads it.

``stream.py`` and ``maintenance.py`` are main files of jobs, ``ticketsim.zip`` holds the packages that they import,
``jars/`` the jars of streaming/spark/ivy.xml except the broker's. ``job.json`` lists what else a job and its cluster
need.

    python deploy/dataproc/dataproc_release.py build/dataproc --upload gs://bucket/RELEASE
"""

import argparse
import json
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from google.api_core.exceptions import GoogleAPICallError
from google.cloud import storage

from streaming.exceptions import StreamingError
from streaming.spark.jars import ensure_jars
from streaming.spark.session import cluster_settings

_ROOT: Final = Path(__file__).parents[2]

#: Main files of jobs, from ``streaming``.
MAINS: Final = ("maintenance.py", "stream.py")

#: What the main files import.
_PACKAGES: Final = ("simulator", "streaming")

#: The timestamp of all files, so that the same code gives the same bytes.
_ZIP_TIME: Final = (2026, 1, 1, 0, 0, 0)


def packages() -> list[str]:
    """Return the packages that the cluster needs, ``name==version``: pins for its Python, read by Terraform too."""
    return Path(__file__).with_name("constraints.txt").read_text(encoding="utf-8").split()


def lay_out(folder: Path) -> None:
    """Build the release in ``folder``, which is recreated.

    Raises:
        JarsUnavailable: The jars cannot be downloaded.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "jars").mkdir(parents=True)
    for main_file in MAINS:
        shutil.copyfile(_ROOT / "streaming" / main_file, folder / main_file)
    with zipfile.ZipFile(folder / "ticketsim.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in _sources():
            archive.writestr(zipfile.ZipInfo(path.relative_to(_ROOT).as_posix(), _ZIP_TIME), path.read_bytes())
    jars = ensure_jars(lambda done: print(done, file=sys.stderr)).spark
    for jar in jars:
        shutil.copyfile(jar, folder / "jars" / jar.name)
    described = {"jars": [jar.name for jar in jars], "packages": packages(), "properties": cluster_settings()}
    (folder / "job.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")


def upload(folder: Path, target: str, client: storage.Client) -> list[str]:
    """Copy the release to ``target``, ``gs://bucket/prefix``; existing objects are left alone.

    Returns:
        The names of the objects that were written.

    Raises:
        FileExistsError: An object exists with other content: a release is immutable.
    """
    bucket_name, _, prefix = target.removeprefix("gs://").strip("/").partition("/")
    bucket, written = client.bucket(bucket_name), []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = "/".join(filter(None, (prefix, path.relative_to(folder).as_posix())))
        present = bucket.get_blob(name)
        if present is not None:
            if present.download_as_bytes() != path.read_bytes():
                raise FileExistsError(
                    f"gs://{bucket_name}/{name} exists with other content. Give this release a new name."
                )
            continue
        # Fails if another process has created it in the meantime.
        bucket.blob(name).upload_from_filename(str(path), if_generation_match=0)
        written.append(name)
    return written


def _sources() -> Iterator[Path]:
    for package in _PACKAGES:
        for path in sorted((_ROOT / package).rglob("*")):
            if path.suffix in (".py", ".toml", ".xml"):
                yield path


def main() -> None:
    """Build the release, and upload it if requested."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--upload", metavar="gs://BUCKET/PREFIX")
    asked = parser.parse_args()
    lay_out(asked.folder)
    if asked.upload:
        for name in upload(asked.folder, asked.upload, storage.Client()):
            print(name, file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except (StreamingError, FileExistsError, GoogleAPICallError) as error:
        sys.exit(f"error: {error}")
