"""The environment of the processes that we start: this process's, without what is meant for other installations.

Whoever works with Spark, Hadoop or dbt elsewhere has variables set that name another Spark, its options, its folder of
configuration or another target. Processes of ours would obey them. Options of Java are handed on, because a proxy is
named by them; ``java_options`` returns them for messages.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

#: Variables of other installations of Spark begin like this, or are these.
_OF_SPARK: Final = ("SPARK_", "PYSPARK_", "HADOOP_", "YARN_", "HIVE_")
_OF_JAVA: Final = frozenset({"CLASSPATH", "MASTER"})

_OF_DBT: Final = ("DBT_",)

#: With these every JVM of this machine is started.
JAVA_OPTIONS: Final = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "SPARK_SUBMIT_OPTS")

_LOOPBACK: Final = "127.0.0.1"


def foreign_variables(environ: Mapping[str, str] | None = None) -> list[str]:
    """Return the variables that are set here and that no process of ours is given, sorted."""
    return sorted(
        name for name in (os.environ if environ is None else environ) if _is_of_spark(name) or _is_of_dbt(name)
    )


def java_options(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the options that a JVM takes from the environment, by variable."""
    given = os.environ if environ is None else environ
    return {name: given[name] for name in JAVA_OPTIONS if given.get(name)}


def of_jvm(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a JVM.

    On Linux the locale says how Java writes the names of files: in the locale ``C`` it knows only English letters.
    """
    given = os.environ if environ is None else environ
    kept = {name: value for name, value in given.items() if not _is_of_spark(name)}
    return kept if sys.platform == "darwin" else kept | {"LC_ALL": "C.UTF-8"}


def of_spark(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a session of our own: pyspark's Spark, this Python, and the loopback interface.

    Without its address Spark asks for that of the machine's name, which need not have one.
    """
    spark = find_spec("pyspark")
    home = str(Path(spark.origin).parent) if spark and spark.origin else ""
    ours = {"SPARK_HOME": home, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": _LOOPBACK}
    return of_jvm(environ) | ours


def of_dbt(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of dbt, without flags: DBT_FULL_REFRESH would replace a whole mart by one hour."""
    given = os.environ if environ is None else environ
    return {name: value for name, value in given.items() if not _is_of_dbt(name)}


def of_station(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a process of the stack: its servers on this machine are not asked through a proxy."""
    given = os.environ if environ is None else environ
    without = [each for each in (given.get("no_proxy") or given.get("NO_PROXY") or "").split(",") if each]
    listed = ",".join(dict.fromkeys((*without, _LOOPBACK, "localhost")))
    return {**given, "no_proxy": listed, "NO_PROXY": listed}


@contextmanager
def as_environment(chosen: Mapping[str, str]) -> Iterator[None]:
    """Make ``chosen`` this process's environment until the block is left, for libraries that hand on what they find."""
    before = dict(os.environ)
    changed = {name for name in before.keys() | chosen.keys() if before.get(name) != chosen.get(name)}
    _set(changed, chosen)
    try:
        yield
    finally:
        _set(changed, before)  # what others have set meanwhile stays


def _set(names: Iterable[str], values: Mapping[str, str]) -> None:
    for name in names:
        if name in values:
            os.environ[name] = values[name]
        else:
            os.environ.pop(name, None)


def _is_of_spark(name: str) -> bool:
    return name not in JAVA_OPTIONS and (name.startswith(_OF_SPARK) or name in _OF_JAVA)


def _is_of_dbt(name: str) -> bool:
    return name.startswith(_OF_DBT)
