import subprocess
import sys
from pathlib import Path

import pytest

from streaming.spark.class_archive import archive_options, class_archive
from streaming.spark.jars import ensure_jars
from streaming.spark.java import find_java
from streaming.spark.session import spark_session

_PREFIX = sys.prefix


@pytest.fixture
def environment(tmp_path, monkeypatch) -> Path:
    """A Python environment without an archive, in a path with a space."""
    prefix = tmp_path / "an environment"
    prefix.mkdir()
    monkeypatch.setattr(sys, "prefix", str(prefix))
    return prefix


def test_without_an_archive_spark_is_started_without_one(environment):
    assert class_archive().is_relative_to(environment)
    assert archive_options() == ()


def test_each_java_has_an_archive_of_its_own(tmp_path, monkeypatch):
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.touch()
    of_this_machine = class_archive()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    of_another = class_archive()
    java.unlink()
    assert len({of_this_machine, of_another, class_archive()}) == 3


def test_a_jvm_that_an_archive_does_not_fit_starts_without_it_and_says_nothing(environment):
    class_archive().parent.mkdir()
    class_archive().write_bytes(b"classes of another Java")
    options = [option.strip('"') for option in archive_options()]
    assert version_said_by(*options) == version_said_by("-Xshare:off")


def version_said_by(*options: str) -> str:
    command = [str(find_java().path), *options, "-version"]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True).stdout


@pytest.mark.slow
def test_spark_maps_its_classes_from_the_archive(environment, tmp_path, monkeypatch):
    made = Path(_PREFIX) / class_archive().relative_to(environment)
    assert made.exists(), "`make classes` makes it"
    class_archive().parent.symlink_to(made.parent)
    loaded = tmp_path / "loaded"
    monkeypatch.setenv("SPARK_SUBMIT_OPTS", f"-Xlog:class+load:file={loaded}")
    with spark_session(ensure_jars().spark, {"spark.driver.memory": "1g"}):
        pass
    [context] = [line for line in loaded.read_text().splitlines() if " org.apache.spark.SparkContext source: " in line]
    assert context.endswith("source: shared objects file (top)")
