"""A random walk over everything that may happen to a pipeline, as a state machine of Hypothesis.

Each step leaves the pipeline in a state from which it must recover; `arrive` lets it, and compares all stations with
what was produced. A walk prints its steps as a test that can be added to test_walks.py.
"""

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from harness.aims import PARTS, Kill, Moment, Victim
from harness.disk import mount, unmount
from harness.pipeline import Killed, Pipeline
from harness.proxied_kafka import ProxiedKafka
from harness.proxy import Network
from hypothesis import HealthCheck, Phase, assume, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from pyspark.sql import SparkSession

from simulator.events import TOPICS

#: Lake, warehouse and Dagster's databases of one walk have room many times.
_DISK = "400m"

#: As `ticketsim simulate --chaos` spells them.
ALL_FAULTS = "duplicates=0.05,late=0.05:40m,reorder=0.1,corrupt=0.02"
FAULTS = (None, "duplicates=0.1", "late=0.1:20m", "corrupt=0.05", ALL_FAULTS)

#: Parts of a checkpoint that may be lost: all of it, or what a careless copy leaves out.
LOST_PARTS = (PARTS, ("offsets",), ("commits",), ("metadata",), ("commits", "sources"))

Step = Callable[..., None]


@dataclass
class Surroundings:
    """What walks share, because it takes long to start."""

    kafka: ProxiedKafka
    spark: SparkSession
    folder: Path

    def __post_init__(self) -> None:
        self._numbers = count()

    @contextmanager
    def home(self) -> Iterator[tuple[Path, bool]]:
        """Yield a folder for a new home, on a disk of its own if one can be mounted here, and whether it is."""
        home = self.folder / f"home-{next(self._numbers)}"
        home.mkdir()
        mounted = mount(home, _DISK) is None
        try:
            yield home, mounted
        finally:
            if mounted:
                unmount(home)


def _step(method: Step) -> Step:
    """Print the step as a line of a test, before it is taken, and how long it took."""

    @functools.wraps(method)
    def taken(walk: "Walk", **choices: Any) -> None:
        arguments = ", ".join(f"{name}={_literal(value)}" for name, value in choices.items())
        walk.steps.append(f"    walk.{method.__name__}({arguments})")
        print(walk.steps[-1], end="", flush=True)
        began = time.monotonic()
        try:
            method(walk, **choices)
        except BaseException as error:
            walk.failed = True
            error.add_note(walk.as_test)
            raise
        finally:
            print(f"  # {time.monotonic() - began:.1f} s", flush=True)

    return taken


def _literal(value: Any) -> str:
    """Spell a value as it can be read back: names of enumerations as their values."""
    return repr(str(value)) if isinstance(value, str) else repr(value)


class Walk(RuleBasedStateMachine):
    """One home on its walk; `begin` comes first and `arrive` last."""

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__()
        self.surroundings = surroundings
        self.steps: list[str] = []
        self.failed = False
        self._pipeline: Pipeline | None = None
        self._home = surroundings.home()

    @property
    def as_test(self) -> str:
        return "\n".join(["def test_walk(walk):", *self.steps])

    @property
    def pipeline(self) -> Pipeline:
        assert self._pipeline is not None, "a walk begins with `begin`"
        return self._pipeline

    @initialize(seed=st.integers(0, 999_999), home=st.sampled_from(["new", "new", "of the previous release"]))
    def first(self, seed: int, home: str) -> None:
        assume(seed > 0)  # before all others Hypothesis tries the simplest walk, which is always the same
        self.begin(seed=seed, home=home)

    @_step
    def begin(self, *, seed: int, home: str) -> None:
        self.surroundings.kafka.empty()
        folder, self.own_disk = self._home.__enter__()
        logs = folder.with_name(f"{folder.name}-logs")
        logs.mkdir()
        self._pipeline = Pipeline(seed, folder, logs, self.surroundings.kafka, self.surroundings.spark)
        if home == "new":
            self.pipeline.send()
        else:
            self.pipeline.become_of_the_previous_release()

    @rule(faults=st.sampled_from(FAULTS), minutes=st.sampled_from([0, 45]))
    @_step
    def send(self, *, faults: str | None, minutes: int) -> None:
        self.pipeline.send(faults, minutes=minutes)

    @rule()
    @_step
    def catch_up(self) -> None:
        self.pipeline.catch_up()

    @rule(
        moment=st.sampled_from(Moment),
        victim=st.sampled_from(Victim),
        delay_ms=st.sampled_from([0, 20, 100, 300]),
        lost=st.sampled_from([(), *LOST_PARTS]),
    )
    @_step
    def kill_stream(self, *, moment: str, victim: str, delay_ms: int, lost: tuple[str, ...]) -> None:
        # Who goes on keeps its checkpoint: a stream whose broker is killed, a JVM whose Python is.
        kept = victim in {Victim.BROKER, Victim.PYTHON}
        self.pipeline.kill_stream(Kill(Moment(moment), Victim(victim), delay_ms, () if kept else lost))

    @rule(seconds=st.sampled_from([1, 8]))
    @_step
    def pause_stream(self, *, seconds: int) -> None:
        self.pipeline.pause_stream(seconds)

    @rule(network=st.sampled_from([Network.SLOW, Network.STALLED, Network.CUT]), seconds=st.sampled_from([1, 6]))
    @_step
    def disturb_network(self, *, network: str, seconds: int) -> None:
        self.pipeline.disturb_network(Network(network), seconds)

    @precondition(lambda walk: walk.own_disk)
    @rule()
    @_step
    def fill_disk(self) -> None:
        self.pipeline.fill_disk()

    @rule(hours=st.sampled_from([6, -9, 0]))
    @_step
    def jump_clock(self, *, hours: int) -> None:
        self.pipeline.jump_clock(hours)

    @rule(parts=st.sampled_from(LOST_PARTS))
    @_step
    def lose_checkpoint(self, *, parts: tuple[str, ...]) -> None:
        self.pipeline.lose_checkpoint(*parts)

    @rule(topic=st.sampled_from(TOPICS), unread=st.booleans())
    @_step
    def recreate_topic(self, *, topic: str, unread: bool) -> None:
        self.pipeline.recreate_topic(topic, unread=unread)

    @rule(killed=st.booleans())
    @_step
    def restart_broker(self, *, killed: bool) -> None:
        self.pipeline.restart_broker(killed=killed)

    @rule(topic=st.sampled_from(TOPICS))
    @_step
    def send_by_a_slow_clock(self, *, topic: str) -> None:
        self.pipeline.send_by_a_slow_clock(topic)

    @rule()
    @_step
    def reprocess_quarantine(self) -> None:
        self.pipeline.catch_up()
        self.pipeline.reprocess_quarantine()

    @rule()
    @_step
    def compact(self) -> None:
        self.pipeline.catch_up()
        self.pipeline.compact()

    @rule()
    @_step
    def vacuum(self) -> None:
        self.pipeline.catch_up()
        self.pipeline.vacuum()

    @rule()
    @_step
    def materialize(self) -> None:
        self.pipeline.catch_up()
        self.pipeline.materialize()

    @rule()
    @_step
    def backfill(self) -> None:
        self.pipeline.backfill()

    @rule(killed=st.sampled_from(Killed))
    @_step
    def kill_materialization(self, *, killed: str) -> None:
        self.pipeline.kill_materialization(Killed(killed))

    @_step
    def arrive(self) -> None:
        """Let the pipeline recover, and compare every station with what was produced."""
        self.pipeline.recover()
        self.pipeline.require_truth()

    def close(self) -> None:
        if self._pipeline is not None:
            self._pipeline.close()
            self._home.__exit__(None, None, None)

    def teardown(self) -> None:
        try:
            if self._pipeline is not None and not self.failed:
                self.arrive()
        finally:
            self.close()


def walk_at_random(surroundings: Surroundings, number: int, *, steps: int, shrink: bool = False) -> None:
    """Go on one walk, the same for the same ``number``.

    Args:
        surroundings: Shared by all walks.
        number: Seed of the choices.
        steps: Steps between begin and arrival.
        shrink: Look for a shorter walk that fails as well, which takes minutes.
    """
    run_state_machine_as_test(
        seed(number)(lambda: Walk(surroundings)),
        settings=settings(
            max_examples=1,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
            report_multiple_bugs=False,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
