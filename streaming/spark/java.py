"""The Java installation of this machine, which runs Spark and the local Kafka."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from streaming.child_environment import java_options
from streaming.exceptions import NoJava

#: Spark 4.1 and Kafka 4.4 are compiled for it.
MINIMUM_JAVA: Final = 17

#: The newest that Spark 4.1 is tested on.
NEWEST_KNOWN_JAVA: Final = 21

_CURE: Final = f"Install Java {MINIMUM_JAVA} or {NEWEST_KNOWN_JAVA} (Debian: openjdk-17-jre-headless) or set JAVA_HOME."


@dataclass(frozen=True, slots=True)
class Java:
    """A Java installation that runs."""

    path: Path  #: the ``java`` executable
    version: int  #: feature release, such as 17


def feature_release(version_output: str) -> int | None:
    """Return the feature release in the output of ``java -version``, e.g. 17 for 17.0.15, 8 for 1.8.0_402; or None."""
    found = re.search(r'version "(?:1\.)?(\d+)', version_output)
    return int(found.group(1)) if found else None


def java_executable() -> str | None:
    """Return the ``java`` that Spark would run: the one in JAVA_HOME, else the first on the PATH, None without one."""
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home else shutil.which("java")


def find_java() -> Java:
    """Find the Java that Spark would use, and its version.

    Raises:
        NoJava: There is none, it does not run, or it is older than ``MINIMUM_JAVA``.
    """
    found = java_executable()
    if found is None:
        raise NoJava(f"no Java found on the PATH. {_CURE}")
    try:
        answer = subprocess.run([found, "-version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoJava(f"the Java in {found} does not run ({error}). {_CURE}") from error
    version = feature_release(answer.stderr + answer.stdout)
    if answer.returncode != 0 or version is None:
        if options := java_options():
            named = " and ".join(f"{name} is {value!r}" for name, value in options.items())
            raise NoJava(
                f"the Java in {found} does not run (`java -version` exited {answer.returncode}). {named}: unset it if "
                f"it is the reason. {_CURE}"
            )
        raise NoJava(f"the Java in {found} does not run (`java -version` exited {answer.returncode}). {_CURE}")
    if version < MINIMUM_JAVA:
        raise NoJava(f"the Java in {found} is version {version}, older than {MINIMUM_JAVA}. {_CURE}")
    return Java(Path(found), version)
