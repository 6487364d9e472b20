"""The release for Dataproc: the layout that jobs name, whole without this source tree, and the same bytes each time."""

import json
from pathlib import Path

import pytest
from dataproc_release import lay_out, packages
from dataproc_submit import parser_of_commands, stream_arguments, stream_job
from packaging.requirements import Requirement
from test_requirements import named_in, run_with

from streaming import stream
from streaming.spark.jars import ensure_jars

#: What the cluster has of its own; with its version of Spark.
OF_THE_CLUSTER = ["pyspark"]

#: Image 3.0's.
OF_ITS_PYTHON = {"python_version": "3.12", "python_full_version": "3.12.0", "platform_system": "Linux"}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release") / "0.1.0"
    lay_out(folder)
    return folder


def test_the_release_has_what_jobs_name(release: Path):
    assert {path.name for path in release.iterdir()} == {
        *("stream.py", "maintenance.py", "ticketsim.zip", "jars", "job.json")
    }


def test_its_jars_are_those_that_ivy_resolved_to_the_byte(release: Path):
    resolved = {jar.name: jar.read_bytes() for jar in ensure_jars().spark}
    assert {jar.name: jar.read_bytes() for jar in (release / "jars").iterdir()} == resolved
    assert json.loads((release / "job.json").read_text())["jars"] == sorted(resolved)


@pytest.mark.slow
@pytest.mark.parametrize("main", ["stream", "maintenance"])
def test_main_files_run_from_the_zip_with_what_the_cluster_has(release: Path, main: str):
    code = f"""
import runpy, streaming
assert "ticketsim.zip" in streaming.__file__, streaming.__file__
runpy.run_path({str(release / f"{main}.py")!r}, run_name="__main__")
"""
    there = [*named_in("dataproc"), *OF_THE_CLUSTER]
    said = run_with(there, release / "ticketsim.zip", code, "--help")
    assert said.returncode == 0, said.stderr
    assert "--lake" in said.stdout


def test_a_module_that_the_zip_lacks_is_missed(release: Path):
    said = run_with([*named_in("dataproc"), *OF_THE_CLUSTER], release / "ticketsim.zip", "import ticketsim_assets", "")
    assert said.returncode == 1


def test_a_package_that_the_cluster_lacks_is_missed(release: Path):
    names = [name for name in named_in("dataproc") if name != "deltalake"]
    said = run_with([*names, *OF_THE_CLUSTER], release / "ticketsim.zip", "import streaming.maintenance", "")
    assert "No module named 'deltalake'" in said.stderr


def test_the_same_code_gives_the_same_zip(release: Path, tmp_path: Path):
    lay_out(tmp_path / "again")
    assert (tmp_path / "again" / "ticketsim.zip").read_bytes() == (release / "ticketsim.zip").read_bytes()


def test_the_stream_s_job_is_restarted_and_names_the_release_s_files(release: Path):
    described = json.loads((release / "job.json").read_text())
    job = stream_job("venue", "gs://code/0.1.0", ["--lake", "gs://lake"], described)
    assert job.scheduling.max_failures_per_hour == 6
    spark = job.pyspark_job
    named = [spark.main_python_file_uri, *spark.python_file_uris, *spark.jar_file_uris]
    assert all((release / uri.removeprefix("gs://code/0.1.0/")).is_file() for uri in named)
    assert len(named) == 2 + len(described["jars"])
    assert spark.properties["spark.sql.session.timeZone"] == "UTC"
    assert "spark.master" not in spark.properties


def test_a_job_that_goes_past_a_loss_runs_once_and_is_not_started_again():
    places = [f"--{name}=x" for name in ("project", "region", "cluster", "code", "bootstrap", "lake", "checkpoint")]
    arguments = stream_arguments(parser_of_commands().parse_args([*places, "--accept-loss"]))
    assert arguments[-2:] == ["--once", "--accept-loss"]
    job = stream_job("venue", "gs://code", arguments, {"jars": [], "properties": {}})
    assert not job.scheduling.max_failures_per_hour


@pytest.mark.parametrize("option", ["--recover", "--accept-loss"])
def test_a_job_that_may_be_started_again_by_itself_accepts_no_loss(option: str, capsys):
    with pytest.raises(SystemExit):
        stream.main(["--bootstrap=x", "--lake=x", "--checkpoint=x", option])
    assert "require --once" in capsys.readouterr().err


def test_packages_of_the_cluster_have_one_pinned_version_each():
    assert [package.partition("==")[0] for package in packages()] == named_in("dataproc")
    lines = (Path(__file__).parents[2] / "constraints.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if line and not line.lstrip().startswith("#")]
    there = {f"{pin.name}{pin.specifier}" for pin in pins if not pin.marker or pin.marker.evaluate(OF_ITS_PYTHON)}
    assert set(packages()) <= there, "run: make lock"
