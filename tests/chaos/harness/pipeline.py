"""A whole pipeline in one home, from the source to the page; what may happen to it; and whether it tells the truth."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest
from pyspark.sql import SparkSession

from harness.aims import Kill
from harness.disk import fill_up
from harness.figures import differences, mart_figures, page_figures, page_states, produced_figures, without_waits
from harness.kafka import produce
from harness.kills import Killer
from harness.previous_release import SinkOfBefore, take_columns_out
from harness.proxied_kafka import ProxiedKafka
from harness.proxy import Network
from harness.source import START, patient_sink, sending, small_run
from harness.stream import TIMEOUT_S, Stream, Violation, wait_until
from harness.truth import holds_everything, require_truth
from simulator.chaos import chaos_sink, parse_chaos
from simulator.events import EventType
from simulator.run import Run, Summary, simulate
from simulator.sinks.protocol import Sink
from streaming.contract.quarantine import Selection, revalidate
from streaming.exceptions import StreamingError
from streaming.maintenance import CompactDay, ReprocessQuarantine, Task, Vacuum, removable, run_in_turn
from streaming.query.runner import StartFrom, StreamConfig, run_stream
from tests.fresh_topics import make_anew
from tests.integration.conftest import Answer, CommandLine
from tests.ticketsim_assets.conftest import Message, Recorder, fields, hour_of
from tests.transactions import alter_topic

#: Hours in which buses arrive; the last visitors have left within the same clock hour, or the next.
_HOURS = 0.2

#: A sender whose clock is so slow that the broker takes its events for future ones.
_SLOW_CLOCK = START - timedelta(days=1)

_EIGHT_DAYS_S = 8 * 86_400


class Killed(StrEnum):
    """Who of a materialization is killed, and when."""

    DAGSTER_AT_THE_LOAD = "dagster at the load"
    DAGSTER_AT_THE_MODELS = "dagster at the models"
    DBT = "dbt"


@dataclass(frozen=True)
class Sent:
    """A run that was sent, and what has to become of it."""

    run: Run
    state: str = "proved"  #: of its hours in the end; ``counted`` without digests, ``forgotten`` if a part is lost


@dataclass
class Pipeline:
    """One home with all that lives in it. Whatever is done to it, it can go on."""

    seed: int
    home: Path
    logs: Path
    kafka: ProxiedKafka
    spark: SparkSession  #: of this process: for streams that nobody kills, and for maintenance
    sent: list[Sent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = self.logs / "clock"
        self.clock.write_text("0")
        clocked = Path(__file__).with_name("clocked.py")
        launcher = (sys.executable, str(clocked), f"--clock={self.clock}")
        places = {"lake": self.home / "lake", "checkpoint": self.home / "checkpoint", "launcher": launcher}
        self.stream = Stream.below(self.logs, self.kafka.proxied_bootstrap, **places)
        self.killer = Killer(self.stream, self.kafka)
        self.ticketsim = CommandLine(self.home, self.kafka.port)

    # What is sent.

    def send(self, faults: str | None = None, *, hours: float = _HOURS, minutes: int = 0, state: str = "proved") -> Run:
        """Send a run that begins ``minutes`` after START, with faults as `ticketsim simulate --chaos` spells them."""
        run = small_run(self._next_seed(), hours, f"walk-{self._next_seed()}", minutes=minutes)
        with patient_sink(self.kafka.bootstrap) as sink, _faulty(sink, faults, run.seed) as faulty:
            simulate(run, SinkOfBefore(faulty) if state == "counted" else faulty)
        self.sent.append(Sent(run, state))
        return run

    def send_by_a_slow_clock(self, topic: str) -> None:
        """Send a run of which the messages of one topic are dated long before they happen, so they are quarantined."""
        alter_topic(self.kafka.bootstrap, topic, message_timestamp_type="CreateTime", retention_ms="-1")
        run = small_run(self._next_seed(), _HOURS, f"walk-{self._next_seed()}")
        recorder = Recorder()
        simulate(run, recorder)
        with patient_sink(self.kafka.bootstrap) as sink:
            for name, value in recorder.messages:
                if name != topic:
                    sink.send(name, run.run_id.encode(), value)
        slow = [value for name, value in recorder.messages if name == topic]
        produce(self.kafka.bootstrap, topic, slow, timestamp_ms=round(_SLOW_CLOCK.timestamp() * 1000))
        self.sent.append(Sent(run))

    def _next_seed(self) -> int:
        return self.seed * 100 + len(self.sent)

    # What the stream does, and what happens to it.

    def catch_up(self, start_from: StartFrom = "checkpoint") -> None:
        """Have all that Kafka holds written: by the running stream, else by one in this process."""
        if process := self.killer.process:
            wait_until(lambda: holds_everything(self.stream), "the stream is through", process.require_alive, 0.2)
        else:
            self._stream_here(start_from)

    def kill_stream(self, kill: Kill) -> None:
        name = f"walk-{self._next_seed()}"
        with sending(self.kafka.bootstrap, seed=self._next_seed(), name=name, hours=_HOURS) as summaries:
            self.killer.carry_out([kill])
        self.sent += [Sent(small_run(each.seed, _HOURS, each.run_id)) for each in summaries]

    def pause_stream(self, seconds: float) -> None:
        """Stop the running stream's processes (SIGSTOP), let messages come, and continue them."""
        process = self.killer.running()
        for number in (signal.SIGSTOP, signal.SIGCONT):
            for each in (psutil.Process(process.popen.pid), process.jvm):
                each.send_signal(number)
            if number is signal.SIGSTOP:
                self.send()
                time.sleep(seconds)
        self.catch_up()

    def disturb_network(self, network: Network, seconds: float) -> None:
        """Slow, stall or cut the network between the running stream and its broker while messages come."""
        process = self.killer.running()
        self.kafka.proxy.become(network)
        self.send()
        time.sleep(seconds)
        if network is Network.SLOW:
            self.catch_up()
        self.kafka.proxy.become(Network.SOUND)
        process.require_alive()
        self.catch_up()

    def fill_disk(self) -> None:
        """Fill the home's disk while the running stream gets messages: it ends with an error that says so."""
        process = self.killer.running()
        self.catch_up()
        filler = fill_up(self.home)
        try:
            self.send(hours=10 * _HOURS)
            process.ended(1)
            self.killer.process = None
            assert "no space left on a disk of the stream" in process.errors
        finally:
            filler.unlink()

    def jump_clock(self, hours: float) -> None:
        """Set the clock of the stream's process off by ``hours``."""
        self.clock.write_text(str(hours))

    def lose_checkpoint(self, *parts: str) -> None:
        self.killer.stop()
        self.killer.lose_checkpoint(parts)

    def restart_broker(self, *, killed: bool) -> None:
        if killed:
            self.kafka.kill()
        else:
            self.kafka.stop()
        self.kafka.restart()

    def recreate_topic(self, topic: str, *, unread: bool) -> None:
        """Delete and create a topic: refused, accepted as a loss; a run of which messages were lost is forgotten."""
        self.catch_up()
        self.killer.stop()
        lost = self.send(state="forgotten") if unread else None
        make_anew(self.kafka.bootstrap, [topic])
        with pytest.raises(StreamingError, match="--accept-loss"):
            self._stream_here()
        self._stream_here("accepting_loss")
        if lost:
            _require(self.ticketsim("forget", lost.run_id), 0)

    def _stream_here(self, start_from: StartFrom = "checkpoint") -> None:
        places = (self.stream.bootstrap, str(self.stream.lake), self.stream.checkpoint)
        with _session_in_use():
            run_stream(StreamConfig(*places, trigger=None, start_from=start_from))

    # What is done to the lake.

    def compact(self) -> None:
        self._maintain(CompactDay(START.date()))

    def vacuum(self) -> None:
        """Remove what killed batches left; as if a week had passed where no batch can be under way."""
        if not self.killer.process:
            ago = time.time() - _EIGHT_DAYS_S
            for path in self.stream.table.rglob("*.parquet"):
                os.utime(path, (ago, ago))
        self._maintain(Vacuum())
        if not self.killer.process:
            assert removable(self.stream.opened, Vacuum().retention) == 0

    def reprocess_quarantine(self) -> None:
        """Move all that is valid today; nothing valid stays."""
        self._maintain(ReprocessQuarantine())
        assert not revalidate(self.stream.opened.snapshot(), Selection()).valid

    def _maintain(self, task: Task) -> None:
        with _session_in_use():
            run_in_turn(self.spark, self.stream.opened, task, on_progress=lambda _: None)

    def become_of_the_previous_release(self) -> None:
        """Fill the new home as the release before this one would have."""
        self.send(state="counted")
        self._stream_here()
        take_columns_out(self.stream.table, self.spark)

    # What is done to the warehouse.

    def materialize(self) -> None:
        _require(self.ticketsim("materialize", "--due"), 0)

    def backfill(self) -> None:
        """Load all hours, whether they are due or not."""
        self._complete_the_lake()
        hours = sorted({hour_of(message) for message in _recorded(self.sent)[0]})
        _require(self.ticketsim("materialize", "--from", str(hours[0]), "--to", str(hours[-1])), 0)

    def kill_materialization(self, killed: Killed) -> None:
        """Kill Dagster or dbt while a new run is loaded; whoever materializes next goes on."""
        self.send()
        self.catch_up()
        sign = self._sign_of_load() if killed is Killed.DAGSTER_AT_THE_LOAD else self._sign_of_models()
        running = self.ticketsim.start("materialize", "--due", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(sign, f"it is time to kill {killed}", lambda: _require_running(running), every_s=0.005)
            if killed is Killed.DBT:
                _dbt_of(running).kill()
                assert running.wait(TIMEOUT_S) == 1, "nobody has noticed that dbt was killed"
        finally:
            running.kill()
            running.wait()

    def _sign_of_load(self) -> Callable[[], bool]:
        files = [self.home / "warehouse.duckdb", self.home / "warehouse.duckdb.wal"]

        def state() -> list[Any]:
            return [path.stat().st_mtime_ns for path in files if path.exists()]

        before = state()
        return lambda: state() != before

    def _sign_of_models(self) -> Callable[[], bool]:
        log = self.home / "logs" / "materialize.log"
        known = log.stat().st_size if log.exists() else 0
        return lambda: log.exists() and b"OK created sql" in log.read_bytes()[known:]

    # The truth.

    def recover(self) -> None:
        """Let everything work again and do all that is left to do."""
        self.kafka.proxy.become(Network.SOUND)
        self.kafka.restart()
        self._complete_the_lake()
        self.killer.stop()
        self.materialize()

    def _complete_the_lake(self) -> None:
        self.catch_up()
        if revalidate(self.stream.opened.snapshot(), Selection()).valid:
            self.reprocess_quarantine()

    def require_truth(self) -> None:
        """Compare every station with what the simulator produces, which is calculated once more."""
        kept = [each for each in self.sent if each.state != "forgotten"]
        messages, summaries = _recorded(kept)
        produced = [fields(message) for message in messages]
        require_truth(self.stream, summaries, {each.run.run_id for each in kept if each.state == "counted"})
        self._require_reconciled(kept, produced)
        figures = produced_figures(produced)
        if wrong := differences(page_figures(self.page), figures):
            raise Violation(f"figures of the page: {wrong[:8]}")
        if wrong := differences(mart_figures(self.warehouse), without_waits(figures)):
            raise Violation(f"figures of the mart: {wrong[:8]}")
        self._require_quarantine()

    @property
    def page(self) -> Path:
        return self.home / "dashboard" / "index.html"

    @property
    def warehouse(self) -> Path:
        return self.home / "warehouse.duckdb"

    def _require_reconciled(self, kept: list[Sent], produced: list[dict[str, Any]]) -> None:
        """Check that reconcile and the page have each receipt that was sent in the state that it must have."""
        states = {each.run.run_id: each.state for each in kept}
        receipts = [message for message in produced if message["event_type"] == EventType.HOUR_CLOSED]
        expected = Counter(states[receipt["run_id"]] for receipt in receipts)
        answer = self.ticketsim("reconcile", "--strict", "--json")
        _require(answer, 0 if expected.keys() == {"proved"} else 1)
        found = +Counter({state: answer.json[state] for state in ("proved", "counted", "unproved", "wrong")})
        if not found == page_states(self.page) == expected:
            raise Violation(f"receipts by reconcile: {found}, by the page: {page_states(self.page)}, sent: {expected}")

    def _require_quarantine(self) -> None:
        """Check that the warehouse has what the lake quarantines."""
        lake = revalidate(self.stream.opened.snapshot(), Selection()).examined
        with duckdb.connect(self.warehouse, read_only=True) as connection:
            [(warehouse,)] = connection.execute("select count(*) from raw.quarantine").fetchall()
        if warehouse != lake:
            raise Violation(f"{lake} quarantined messages in the lake, {warehouse} in the warehouse")

    def close(self) -> None:
        """End what runs, whatever state it is in."""
        self.kafka.proxy.become(Network.SOUND)
        self.stream.end_all()


def _recorded(sent: list[Sent]) -> tuple[list[Message], list[Summary]]:
    """Return what the simulator produces of these runs, message by message and counted."""
    recorder = Recorder()
    summaries = [simulate(each.run, SinkOfBefore(recorder) if each.state == "counted" else recorder) for each in sent]
    return recorder.messages, summaries


@contextmanager
def _faulty(sink: Sink, faults: str | None, seed: int) -> Iterator[Sink]:
    if faults is None:
        yield sink
        return
    with chaos_sink(sink, parse_chaos(faults), seed) as faulty:
        yield faulty


@contextmanager
def _session_in_use() -> Iterator[None]:
    """Let the product take this process's session for the one of a job that was submitted."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYSPARK_GATEWAY_PORT", "there is a session")
        yield


def _require(answer: Answer, code: int) -> None:
    if answer.code != code:
        raise Violation(f"exit code {answer.code}, not {code}: {answer.out}\n{answer.err}")


def _require_running(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is not None:
        raise Violation(f"it ended by itself, exit code {process.returncode}")


def _dbt_of(process: "subprocess.Popen[bytes]") -> psutil.Process:
    return next(child for child in psutil.Process(process.pid).children() if "build" in child.cmdline())
