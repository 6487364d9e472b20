import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from streaming.exceptions import JarsUnavailable, NoJava
from streaming.spark import jars
from streaming.spark.java import feature_release, find_java

#: A Java that, asked for its version, says 17, and as Ivy does what stands in place of {}.
FAKE_JAVA = """#!/bin/sh
if [ "$1" = -version ]; then echo 'openjdk version "17.0.1"' >&2; exit 0; fi
echo run >> "$(dirname "$0")/runs"
while [ "$1" != -retrieve ]; do shift; done
folder="${{2%%/\\[conf\\]*}}"
mkdir -p "$folder/broker" "$folder/spark"
{}
"""

RETRIEVES = 'touch "$folder/broker/kafka-1.jar" "$folder/spark/delta-1.jar"; echo "....... (2500kB)"'
BREAKS_OFF = 'touch "$folder/broker/kafka-1.jar"; echo "UNRESOLVED DEPENDENCY: io.delta#x: not found"; exit 1'


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TICKETSIM_JARS", str(tmp_path / "cache"))
    monkeypatch.setattr("streaming.spark.jars._retrieve.retry.sleep", lambda _: None)
    return tmp_path / "cache"


@pytest.fixture
def fake_java(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch):
    """A function that installs a Java with the given behaviour; returns how often it has been run as Ivy."""
    home = tmp_path / "java"
    (home / "bin").mkdir(parents=True)
    monkeypatch.setenv("JAVA_HOME", str(home))

    def install(does: str):
        (home / "bin" / "java").write_text(FAKE_JAVA.format(does))
        (home / "bin" / "java").chmod(0o755)
        return lambda: (home / "bin" / "runs").read_text().count("run") if (home / "bin" / "runs").exists() else 0

    return install


def test_jars_are_downloaded_once_and_then_found_without_any_java(fake_java, monkeypatch):
    runs = fake_java(RETRIEVES)
    told: list[str] = []
    first = jars.ensure_jars(told.append)
    assert [path.name for path in first.broker + first.spark] == ["kafka-1.jar", "delta-1.jar"]
    assert "downloaded 2.5 MB of jars" in told
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    told.clear()
    assert jars.ensure_jars(told.append) == first
    assert told == []
    assert runs() == 1


def test_a_download_that_breaks_off_leaves_nothing_that_looks_complete(fake_java, cache):
    runs = fake_java(BREAKS_OFF)
    with pytest.raises(JarsUnavailable, match=r"io\.delta#x: not found.*retry"):
        jars.ensure_jars()
    assert runs() == 2, "one more attempt before giving up"
    assert jars.cached_jars() is None
    assert not list(cache.rglob("*.jar"))
    fake_java(RETRIEVES)
    assert len(jars.ensure_jars().spark) == 1


def test_a_killed_download_leaves_nothing_that_looks_complete(fake_java, cache):
    fake_java('touch "$folder/broker/kafka-1.jar"; echo "... (1kB)"; sleep 5')
    code = "from streaming.spark.jars import ensure_jars; ensure_jars(lambda done: print(done, flush=True))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        while "downloaded" not in (process.stdout.readline() if process.stdout else ""):
            assert process.poll() is None
        process.kill()
    assert jars.cached_jars() is None
    runs = fake_java(RETRIEVES)
    before = runs()
    assert len(jars.ensure_jars().broker) == 1
    assert runs() == before + 1


@pytest.mark.slow
def test_two_processes_at_once_download_once(fake_java):
    runs = fake_java(f"sleep 1; {RETRIEVES}")
    command = [sys.executable, "-c", "from streaming.spark.jars import ensure_jars; print(len(ensure_jars().broker))"]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=60)[0] for process in processes] == ["1\n", "1\n"]
    assert runs() == 1


def test_another_version_of_the_list_gets_another_folder(tmp_path, monkeypatch):
    before = jars.jars_folder()
    (tmp_path / "ivy.xml").write_text(jars.IVY_FILE.read_text() + "\n")
    monkeypatch.setattr(jars, "IVY_FILE", tmp_path / "ivy.xml")
    assert jars.jars_folder() != before


@pytest.mark.parametrize(
    ("printed", "release"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_402"', 8),
        ('openjdk version "26-ea" 2026-03-17', 26),
        ('Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "21.0.2"', 21),
        ("No Java runtime present", None),
    ],
)
def test_the_feature_release_is_read_from_what_java_prints(printed, release):
    assert feature_release(printed) == release


def test_an_old_java_and_a_missing_one_are_refused_with_the_cure(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(NoJava, match=r"does not run.*Install Java 17"):
        find_java()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    (tmp_path / "bin" / "java").chmod(0o755)
    with pytest.raises(NoJava, match="version 11, older than 17"):
        find_java()
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoJava, match="no Java found on the PATH"):
        find_java()


def test_the_connector_of_buckets_is_downloaded_only_where_it_is_asked_for(fake_java, cache):
    runs = fake_java(f'mkdir -p "$folder/gcs"; touch "$folder/gcs/gcs-1-shaded.jar"; {RETRIEVES}')
    jars.ensure_jars()
    assert not list(cache.glob("gcs-*/"))
    assert jars.ensure_gcs_connector().name == "gcs-1-shaded.jar"
    assert jars.ensure_gcs_connector().is_absolute()
    assert runs() == 2


@pytest.mark.slow
def test_the_connector_is_the_shaded_one_with_hadoop_s_file_system_in_it():
    jar = jars.ensure_gcs_connector()
    assert jar.name == "gcs-connector-4.0.4-shaded.jar"
    assert "com/google/cloud/hadoop/fs/gcs/GoogleHadoopFileSystem.class" in zipfile.ZipFile(jar).namelist()


@pytest.mark.slow
def test_the_jars_hold_kafka_its_spark_source_and_delta_and_nothing_that_pyspark_has():
    resolved = jars.ensure_jars()

    def classes(paths: tuple[Path, ...]) -> set[str]:
        return {name for path in paths for name in zipfile.ZipFile(path).namelist() if name.endswith(".class")}

    assert "kafka/Kafka.class" in classes(resolved.broker)
    spark = classes(resolved.spark)
    assert "org/apache/spark/sql/kafka010/KafkaSourceProvider.class" in spark
    assert "org/apache/spark/sql/delta/catalog/DeltaCatalog.class" in spark
    pyspark = Path(find_spec("pyspark").submodule_search_locations[0]) / "jars"
    twice = spark & classes(tuple(pyspark.glob("*.jar")))
    assert {name for name in twice if not name.endswith(("module-info.class", "UnusedStubClass.class"))} == set()
