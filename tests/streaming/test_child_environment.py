"""Processes of ours are not configured by what is meant for other installations."""

import os
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest

from streaming.child_environment import (
    as_environment,
    foreign_variables,
    java_options,
    of_dbt,
    of_jvm,
    of_spark,
    of_station,
)
from streaming.exceptions import NoJava
from streaming.spark.java import find_java

#: What somebody may have who works with another Spark, another Hadoop and another project of dbt.
FOREIGN = {
    "SPARK_HOME": "/opt/spark-2.4",
    "SPARK_CONF_DIR": "/etc/spark",
    "SPARK_LOCAL_DIRS": "/nowhere",
    "SPARK_REMOTE": "sc://cluster",
    "PYSPARK_SUBMIT_ARGS": "--master yarn pyspark-shell",
    "PYSPARK_PYTHON": "/usr/bin/python2",
    "PYSPARK_PIN_THREAD": "false",
    "HADOOP_CONF_DIR": "/etc/hadoop",
    "YARN_CONF_DIR": "/etc/hadoop",
    "CLASSPATH": "/opt/other.jar",
    "LC_ALL": "C",
}
OWN = {"PATH": "/bin", "JAVA_TOOL_OPTIONS": "-Dhttps.proxyHost=proxy", "GOOGLE_APPLICATION_CREDENTIALS": "key.json"}


def test_a_session_of_spark_is_pysparks_own_on_the_loopback_interface_with_this_python():
    locale = {} if sys.platform == "darwin" else {"LC_ALL": "C.UTF-8"}
    assert {name: value for name, value in of_spark(FOREIGN | OWN).items() if name != "LC_ALL"} == OWN | {
        "SPARK_HOME": str(Path(pyspark.__file__).parent),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    assert of_jvm(FOREIGN | OWN).items() >= (OWN | locale).items()
    assert not of_jvm(FOREIGN | OWN).keys() & (FOREIGN.keys() - {"LC_ALL"})


def test_dbt_gets_no_flag_from_the_environment():
    flags = {"DBT_FULL_REFRESH": "1", "DBT_TARGET_PATH": "/elsewhere", "DBT_ENGINE_FAIL_FAST": "1"}
    assert of_dbt(OWN | flags) == OWN
    assert foreign_variables(OWN | flags) == sorted(flags)


def test_servers_of_this_machine_are_not_asked_through_a_proxy():
    assert of_station({"http_proxy": "http://proxy:3128"})["no_proxy"] == "127.0.0.1,localhost"
    assert of_station({"NO_PROXY": "intern,localhost"})["NO_PROXY"] == "intern,localhost,127.0.0.1"


def test_the_environment_is_back_afterwards_with_what_others_set_meanwhile(monkeypatch):
    monkeypatch.setenv("SPARK_HOME", "/opt/spark")
    monkeypatch.delenv("SPARK_LOCAL_IP", raising=False)
    monkeypatch.delenv("SET_MEANWHILE", raising=False)
    before = dict(os.environ)
    with as_environment(of_spark()):
        assert os.environ["SPARK_LOCAL_IP"] == "127.0.0.1"
        assert subprocess.check_output(["/bin/sh", "-c", "echo $SPARK_LOCAL_IP"], text=True) == "127.0.0.1\n"
        os.environ["SET_MEANWHILE"] = "1"
    assert dict(os.environ) == before | {"SET_MEANWHILE": "1"}
    del os.environ["SET_MEANWHILE"]


def test_options_that_keep_java_from_running_are_named(monkeypatch):
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Xmx1x")
    assert java_options() == java_options() | {"JAVA_TOOL_OPTIONS": "-Xmx1x"}
    with pytest.raises(NoJava, match=r"JAVA_TOOL_OPTIONS is '-Xmx1x'.*: unset it"):
        find_java()
