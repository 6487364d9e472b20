import json
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from simulator.events import TOPICS
from streaming.exceptions import NoJava
from streaming.spark.jars import cached_jars, jars_folder
from streaming.spark.java import Java
from ticketsim import doctor
from ticketsim.commands import doctor as command
from ticketsim.doctor import Check, Verdict
from ticketsim.exceptions import NoChromium
from ticketsim.stack.broker import MINIMUM_FREE_BYTES, BrokerStatus

FOLDER = Path("/somewhere/broker")


@pytest.mark.parametrize(
    ("version", "verdict"),
    [((3, 10), "fail"), ((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "fail"), ((2, 7), "fail")],
)
def test_python_must_be_one_that_all_dependencies_support(version, verdict):
    assert doctor.check_python(version).verdict == verdict


def test_a_missing_java_is_a_failure_with_its_cure():
    def find() -> Java:
        raise NoJava("there is no Java on the PATH. Install one.")

    assert doctor.check_java(find) == Check("Java", Verdict.FAIL, "there is no Java on the PATH", "Install one.")


@pytest.mark.parametrize(("version", "verdict"), [(17, "ok"), (21, "ok"), (25, "warn")])
def test_a_java_newer_than_spark_knows_is_a_warning(version, verdict):
    check = doctor.check_java(lambda: Java(Path("/usr/bin/java"), version))
    assert (check.verdict, str(version) in check.found) == (verdict, True)


@pytest.mark.parametrize(
    ("free", "verdict"), [(MINIMUM_FREE_BYTES - 1, "fail"), (MINIMUM_FREE_BYTES, "warn"), (1 << 40, "ok")]
)
def test_a_disk_too_full_for_the_broker_is_a_failure(free, verdict):
    check = doctor.check_disk(FOLDER, free)
    assert check.verdict == verdict
    assert bool(check.cure) == (verdict != "ok")


def test_a_taken_port_is_a_warning_that_names_the_port(free_port):
    port = free_port()
    assert doctor.check_port("broker port", port, free=True).verdict == "ok"
    taken = doctor.check_port("broker port", port, free=False)
    assert taken.verdict == "warn"
    assert str(port) in taken.found
    assert "--port" in taken.cure


def running(*topics: str, ready: bool = True) -> BrokerStatus:
    return BrokerStatus(FOLDER, running=True, ready=ready, pid=1, port=5, bootstrap="127.0.0.1:5", topics=topics)


def test_a_broker_need_not_run_but_if_it_does_it_answers_and_has_its_topics():
    assert doctor.check_broker(BrokerStatus(FOLDER, running=False)).verdict == "ok"
    assert doctor.check_broker(running(*TOPICS)).verdict == "ok"
    assert doctor.check_broker(running(ready=False)).verdict == "warn"
    lacking = doctor.check_broker(running(*TOPICS[1:]))
    assert (lacking.verdict, TOPICS[0] in lacking.found) == ("warn", True)


def test_jars_and_chromium_are_not_required():
    def refuse() -> Path:
        raise NoChromium("TICKETSIM_CHROMIUM is /no, which does not run. Install it.")

    assert doctor.check_jars(lambda: FOLDER, lambda: None).verdict == "warn"
    assert doctor.check_jars(lambda: FOLDER, lambda: True).verdict == "ok"
    assert doctor.check_chromium(lambda: None).verdict == "warn"
    assert "/no" in doctor.check_chromium(refuse).found
    assert doctor.check_chromium(lambda: Path("/usr/bin/chromium")).verdict == "ok"


@pytest.fixture
def run_doctor(tmp_path, monkeypatch):
    monkeypatch.setenv("TICKETSIM_HOME", str(tmp_path))
    app = Typer()
    app.command()(command.doctor)
    return lambda *arguments: CliRunner().invoke(app, arguments)


def test_the_doctor_reports_on_this_machine_as_one_json_object(run_doctor, tmp_path):
    done = run_doctor("--json")
    report = json.loads(done.stdout)
    assert (done.exit_code, report["healthy"]) == (0, True)
    machine = {"Python", "Java", "jars", "paths", "environment", "host name", "Chromium"}
    names = machine | {"settings", "disk", "broker port", "Dagster port", "broker"}
    assert {check["name"] for check in report["checks"]} == names
    assert list(tmp_path.iterdir()) == [], "looking must not make anything"


def test_the_doctor_exits_1_and_names_the_cure_when_something_required_is_missing(run_doctor, monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    done = run_doctor("--json")
    java = next(check for check in json.loads(done.stdout)["checks"] if check["name"] == "Java")
    assert (done.exit_code, java["verdict"]) == (1, "fail")
    assert "JAVA_HOME" in java["cure"]


@pytest.mark.parametrize(
    ("variable", "value", "cure"),
    [("TICKETSIM_HOME", "/data/a%b", "Choose a path without %, which"), ("TICKETSIM_LAG_WARNING", "-5", "")],
)
def test_a_setting_that_is_refused_is_one_check_among_those_of_the_machine(
    run_doctor, monkeypatch, variable, value, cure
):
    monkeypatch.setenv(variable, value)
    done = run_doctor("--json")
    settings, *others = json.loads(done.stdout)["checks"]
    assert (done.exit_code, settings["name"], settings["verdict"]) == (1, "settings", "fail")
    assert settings["found"].startswith(f"{variable} is {value!r}")
    assert settings["cure"].startswith(cure)
    assert {"Python", "Java", "jars"} <= {check["name"] for check in others}


def test_jars_and_temporary_files_where_a_jvm_could_not_be_started_are_a_failure(monkeypatch):
    monkeypatch.setenv("TICKETSIM_JARS", "/cache/a:b")
    jars = doctor.check_jars(jars_folder, cached_jars)
    assert (jars.verdict, jars.found) == ("fail", "TICKETSIM_JARS is '/cache/a:b'")
    assert doctor.check_paths({"TMPDIR": Path("/temporary/a,b")}, {}).verdict == "fail"
    assert doctor.check_paths({}, {"the folder of this Python": Path("/python/a:b")}).verdict == "fail"
    assert doctor.check_paths({"TMPDIR": Path("/temporary/é b")}, {"it": Path("/python/a b")}).verdict == "ok"


def test_variables_that_reach_our_processes_are_a_warning_and_those_that_do_not_are_named():
    assert doctor.check_environment({"PATH": "/bin"}).verdict == "ok"
    ignored = doctor.check_environment({"SPARK_HOME": "/opt/spark", "DBT_FULL_REFRESH": "1"})
    assert (ignored.verdict, ignored.found) == ("ok", "not handed on: DBT_FULL_REFRESH, SPARK_HOME")
    for variable in ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "DAGSTER_HOME"):
        warned = doctor.check_environment({variable: "/of/another"})
        assert (warned.verdict, warned.found) == ("warn", f"{variable}=/of/another")
    assert doctor.check_environment({"DAGSTER_HOME": "/home/dagster"}, Path("/home/dagster")).verdict == "ok"


def test_a_host_name_without_an_address_is_told():
    assert doctor.resolves("localhost")
    assert not doctor.resolves("no-such-host.invalid")
    assert "127.0.0.1" in doctor.check_host_name("nowhere", lambda _: False).found
