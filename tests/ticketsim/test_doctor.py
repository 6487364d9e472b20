import json
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from simulator.events import TOPICS
from streaming.exceptions import NoJava
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

    assert doctor.check_jars(FOLDER, cached=False).verdict == "warn"
    assert doctor.check_jars(FOLDER, cached=True).verdict == "ok"
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
    names = {"Python", "Java", "jars", "disk", "broker port", "Dagster port", "broker", "Chromium"}
    assert {check["name"] for check in report["checks"]} == names
    assert list(tmp_path.iterdir()) == [], "looking must not make anything"


def test_the_doctor_exits_1_and_names_the_cure_when_something_required_is_missing(run_doctor, monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    done = run_doctor("--json")
    java = next(check for check in json.loads(done.stdout)["checks"] if check["name"] == "Java")
    assert (done.exit_code, java["verdict"]) == (1, "fail")
    assert "JAVA_HOME" in java["cure"]
