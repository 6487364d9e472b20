import os
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import psutil
import pytest
from pyspark.sql import SparkSession

from streaming.lake.reader import Lake
from streaming.spark.session import DEFAULTS
from ticketsim_assets.resources.spark import LocalSpark

pytestmark = pytest.mark.slow


@dataclass
class Note:
    """A task that notes which Spark it was given."""

    settings: dict[str, str | None] = field(default_factory=dict)
    jvm: psutil.Process | None = None
    group: int = 0
    active: bool = False
    name: str = "a note"

    def arguments(self) -> list[str]:
        return []

    def run(self, spark: SparkSession, lake: Lake) -> Any:
        self.settings = {name: spark.sparkContext.getConf().get(name) for name in DEFAULTS}
        self.jvm = psutil.Process(spark.sparkContext._gateway.proc.pid)
        self.group = os.getpgid(self.jvm.pid)
        self.active = spark.range(3).count() == 3


@pytest.mark.parametrize("fails", [False, True])
def test_the_graph_s_spark_is_started_and_ended_as_the_stream_s_is(tmp_path, fails):
    note = Note()

    class Failing(Note):
        def run(self, spark: SparkSession, lake: Lake) -> Any:
            note.run(spark, lake)
            raise ValueError("in the midst of it")

    @dg.op
    def maintain(context: dg.OpExecutionContext) -> None:
        LocalSpark(lake=str(tmp_path / "lake")).run(context, Failing() if fails else note)

    @dg.job
    def maintenance() -> None:
        maintain()

    assert maintenance.execute_in_process(raise_on_error=False).success is not fails
    assert note.active
    assert note.settings == DEFAULTS
    assert note.group != os.getpgid(0), "Ctrl-C would end the JVM in the midst of a commit"
    assert not note.jvm.is_running()
    assert SparkSession.getActiveSession() is None
