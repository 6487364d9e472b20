"""The jars that a laptop needs besides those of pyspark: resolved once from ``ivy.xml`` into a cache.

The resolver is pyspark's own Ivy, so neither Maven nor Docker is needed. Jars are resolved into a temporary folder
that is renamed at the end: an interrupted download leaves nothing that looks complete.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from filelock import FileLock
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from streaming.child_environment import of_jvm
from streaming.exceptions import JarsUnavailable, StreamingError
from streaming.path_characters import require_startable
from streaming.spark.java import find_java

IVY_FILE: Final = Path(__file__).with_name("ivy.xml")

#: By default Java waits forever for a server that does not answer; milliseconds.
_TIMEOUTS: Final = ("-Dsun.net.client.defaultConnectTimeout=20000", "-Dsun.net.client.defaultReadTimeout=60000")


@dataclass(frozen=True, slots=True)
class Jars:
    """The resolved jars, absolute paths, sorted by name."""

    broker: tuple[Path, ...]  #: the class path of Apache Kafka
    spark: tuple[Path, ...]  #: the Kafka source and Delta Lake, for ``spark.jars``


def cache_root() -> Path:
    """Return the cache folder of the jars: TICKETSIM_JARS, by default ``ticketsim`` in the user's cache folder.

    Raises:
        LocationRefused: A JVM could not be started with jars in it.
    """
    if chosen := os.environ.get("TICKETSIM_JARS"):
        root, name = Path(chosen).expanduser().resolve(), "TICKETSIM_JARS"
    else:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute()
        root, name = cache / "ticketsim", "the folder of the jars, which TICKETSIM_JARS names,"
    require_startable(root, name)
    return root


def jars_folder() -> Path:
    """Return the cache's folder for the current ``ivy.xml``; another version of the file gets another folder."""
    return cache_root() / f"jars-{hashlib.sha256(IVY_FILE.read_bytes()).hexdigest()[:12]}"


def cached_jars() -> Jars | None:
    """Return the jars if they are in the cache, else None; starts no JVM and needs no network."""
    folder = jars_folder()
    return _jars_in(folder) if folder.is_dir() else None


def ensure_jars(on_download: Callable[[str], None] | None = None) -> Jars:
    """Return the cached jars; download them first if they are missing (65 MB, about a minute).

    Args:
        on_download: Callback that gets lines about the download's progress; not called when the jars are cached.

    Raises:
        NoJava: A download is needed and Java is missing or too old.
        JarsUnavailable: The jars cannot be downloaded.
    """
    folder = jars_folder()
    _ensure(folder, ("broker", "spark"), "the jars of Kafka and Delta", 65, on_download)
    return _jars_in(folder)


def ensure_gcs_connector(on_download: Callable[[str], None] | None = None) -> Path:
    """Return the jar of Hadoop's file system ``gs://``; downloaded only if a lake is in a bucket (40 MB).

    Arguments and errors are those of ``ensure_jars``.
    """
    folder = jars_folder().with_name(jars_folder().name.replace("jars", "gcs"))
    _ensure(folder, ("gcs",), "Hadoop's connector of Google Cloud Storage", 40, on_download)
    [jar] = folder.glob("gcs/*.jar")
    return jar


def _ensure(
    folder: Path, confs: tuple[str, ...], what: str, megabytes: int, on_download: Callable[[str], None] | None
) -> None:
    """Download the jars of ``confs`` into ``folder`` if they are not there, all of them or none."""
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        # Another process may have done it while this one waited.
        if folder.is_dir():
            return
        on_progress = on_download or (lambda _: None)
        on_progress(f"downloading {what} into {folder.parent} ({megabytes} MB, once)")
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="unfinished-") as unfinished:
            retrieved = Path(unfinished) / "jars"
            _retrieve(retrieved, folder.parent / "ivy", confs, on_progress)
            retrieved.rename(folder)


def _jars_in(folder: Path) -> Jars:
    return Jars(broker=tuple(sorted(folder.glob("broker/*.jar"))), spark=tuple(sorted(folder.glob("spark/*.jar"))))


def _ivy_jar() -> Path:
    pyspark = find_spec("pyspark")
    folders = pyspark.submodule_search_locations if pyspark else None
    found = sorted(Path(folders[0]).glob("jars/ivy-*.jar")) if folders else []
    if not found:
        raise JarsUnavailable("pyspark is installed without its jars, which include Ivy. Run `make setup` again.")
    return found[-1]


# Ivy keeps what it has downloaded, so a retry continues the first attempt.
@retry(retry=retry_if_exception_type(JarsUnavailable), stop=stop_after_attempt(2), wait=wait_fixed(2), reraise=True)
def _retrieve(target: Path, ivy_cache: Path, confs: tuple[str, ...], on_download: Callable[[str], None]) -> None:
    shutil.rmtree(target, ignore_errors=True)
    command = [str(find_java().path), *_TIMEOUTS, "-cp", str(_ivy_jar()), "org.apache.ivy.Main", "-error"]
    command += ["-ivy", str(IVY_FILE), "-cache", str(ivy_cache), "-confs", *confs]
    # Relative, because brackets of any kind mean something in a pattern.
    command += ["-retrieve", f"{target.name}/[conf]/[artifact]-[revision](-[classifier]).[ext]"]
    lines: list[str] = []
    kilobytes = 0
    with subprocess.Popen(
        command,
        cwd=target.parent,
        env=of_jvm(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as ivy:
        for line in ivy.stdout or ():
            # Ivy prints one line of dots per file, with its size.
            if done := re.search(r"\((\d+)kB\)", line):
                size = int(done.group(1))
                kilobytes += size
                if size:
                    on_download(f"downloaded {kilobytes / 1000:.1f} MB of jars")
            elif line.strip(" .\n"):
                lines.append(line.strip())
    if ivy.returncode != 0 or not all(any(target.glob(f"{conf}/*.jar")) for conf in confs):
        raise JarsUnavailable(
            f"the jars of {IVY_FILE.name} cannot be downloaded from Maven Central (Ivy exited {ivy.returncode}: "
            f"{_reason(lines)}). Check the network or the proxy (JAVA_TOOL_OPTIONS=-Dhttps.proxyHost=...) and retry, "
            "or set TICKETSIM_JARS to the cache folder of a machine that has them."
        )


def _reason(lines: list[str]) -> str:
    """Return the most informative line of Ivy's output."""
    telling = [line for line in lines if "Exception" in line or "not found" in line or "UNRESOLVED" in line]
    return next(iter(telling or lines), "it printed nothing")


if __name__ == "__main__":
    try:
        ensure_jars(lambda done: print(done, file=sys.stderr))
    except StreamingError as error:
        sys.exit(f"error: {error}")
