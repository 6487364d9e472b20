"""The benchmark of the simulator, in one process on one core: ``python -m benchmarks.simulator``.

It is compared with SimPy itself and with the same model written the obvious way, each in turns. Pure computation is
measured in CPU seconds of the process; delivery to a broker in wall-clock seconds, with the broker on the other cores.
The fastest turn of each counts: other work on the machine makes all of them slower, but not by the same factor.
"""

import os
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Final

import simpy
import typer
from kafka import KafkaProducer

from benchmarks.local_kafka import running_broker
from benchmarks.reference_model import ReferenceModel
from benchmarks.target import print_ratio, print_ratio_at_most
from simulator.engine import EngineName
from simulator.run import plan_run, simulate
from simulator.scenario import load_scenario
from simulator.sinks import open_sink
from simulator.sinks.batch import Batch
from simulator.sinks.protocol import Sink

TIMEOUTS: Final = 200_000
HOURS: Final = 24
FAST_HOURS: Final = 96
REFERENCE_HOURS: Final = 4

#: A broker is slow in its first seconds; ours is through one day by then.
KAFKA_HOURS: Final = 72
KAFKA_REFERENCE_HOURS: Final = 6

OF_SIMPY: Final = 0.27
OF_REFERENCE: Final = 4.5
OF_REFERENCE_KAFKA: Final = 15
FAST_OF_OURS: Final = 10
FAST_OF_SIMPY: Final = 2.7

#: Microseconds of CPU of the fast engine for a message that the broker acknowledges.
MOST_CPU_US: Final = 1.5


class Discard:
    """A sink that takes encoded messages and does nothing with them."""

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        """Take one message."""

    def poll(self) -> None:
        """Do nothing: no message is kept back."""

    def flush(self) -> None:
        """Do nothing: no message is kept back."""

    def send_batch(self, batch: Batch) -> None:
        """Take many messages."""


def bare_simpy() -> int:
    """Run SimPy alone: one process that does nothing but wait."""

    def waiting(env: simpy.Environment) -> Generator[simpy.Event, Any, None]:
        for _ in range(TIMEOUTS):
            yield env.timeout(1)

    env = simpy.Environment()
    env.process(waiting(env))
    env.run()
    return TIMEOUTS


def ours(sink: Sink, hours: int = HOURS, engine: EngineName = "simpy") -> int:
    """Simulate the scenario `original` and return the number of messages."""
    return simulate(plan_run(load_scenario("original"), hours=hours), sink, engine=engine).total


def reference() -> int:
    """Run the reference model, with messages encoded to bytes, and return their number."""
    return ReferenceModel(Discard().send, REFERENCE_HOURS).run()


def ours_into_kafka(bootstrap: str, engine: EngineName = "simpy") -> int:
    """Simulate into Kafka until the broker has acknowledged every message."""
    with open_sink(f"kafka://{bootstrap}", batches=engine == "fast") as sink:
        return ours(sink, KAFKA_HOURS, engine)


def reference_into_kafka(bootstrap: str) -> int:
    """Run the reference model until the broker has acknowledged every message; delivery is as safe as ours."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    try:
        events = ReferenceModel(
            lambda topic, key, value: producer.send(topic, value=value, key=key), KAFKA_REFERENCE_HOURS
        ).run()
        producer.flush()
    finally:
        producer.close()
    return events


def rate(what: Callable[[], int], clock: Callable[[], float]) -> float:
    """Return the count that ``what`` returns, per second of ``clock``."""
    began = clock()
    count = what()
    return count / (clock() - began)


def fastest(turns: int, clock: Callable[[], float], *contestants: Callable[[], int]) -> list[float]:
    """Return each contestant's fastest of several turns, taken one after the other."""
    rates = [[rate(contestant, clock) for contestant in contestants] for _ in range(turns)]
    return [max(column) for column in zip(*rates, strict=True)]


def main(turns: int = 7, kafka_turns: int = 3) -> None:
    """Measure and print.

    Args:
        turns: Number of measurements without Kafka.
        kafka_turns: Number of measurements with Kafka; 0 skips them.
    """
    core = min(os.sched_getaffinity(0))
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    began = process_time()
    ours(Discard(), 1, "fast")
    print(f"fast, ready after         {process_time() - began:>11.1f} s, if it was compiled before")
    simpy_rate, our_rate, fast_rate, reference_rate = fastest(
        turns,
        process_time,
        bare_simpy,
        lambda: ours(Discard()),
        lambda: ours(Discard(), FAST_HOURS, "fast"),
        reference,
    )
    print(f"bare SimPy                {simpy_rate:>11,.0f} timeouts/s")
    print(f"ours, encoded             {our_rate:>11,.0f} events/s")
    print(f"fast, encoded             {fast_rate:>11,.0f} events/s")
    print(f"reference, encoded        {reference_rate:>11,.0f} events/s")
    print_ratio("ours / bare SimPy", our_rate / simpy_rate, OF_SIMPY)
    print_ratio("ours / reference", our_rate / reference_rate, OF_REFERENCE)
    print_ratio("fast / ours", fast_rate / our_rate, FAST_OF_OURS)
    print_ratio("fast / bare SimPy", fast_rate / simpy_rate, FAST_OF_SIMPY)
    if kafka_turns:
        with tempfile.TemporaryDirectory() as folder:
            os.sched_setaffinity(0, cores - {core} or cores)  # the broker inherits it
            with running_broker(Path(folder)) as bootstrap:
                os.sched_setaffinity(0, {core})
                ours_kafka, fast_kafka, reference_kafka = fastest(
                    kafka_turns,
                    perf_counter,
                    lambda: ours_into_kafka(bootstrap),
                    lambda: ours_into_kafka(bootstrap, "fast"),
                    lambda: reference_into_kafka(bootstrap),
                )
                [cpu_rate] = fastest(kafka_turns, process_time, lambda: ours_into_kafka(bootstrap, "fast"))
        print(f"ours, acknowledged        {ours_kafka:>11,.0f} events/s")
        print(f"fast, acknowledged        {fast_kafka:>11,.0f} events/s")
        print(f"reference, acknowledged   {reference_kafka:>11,.0f} events/s")
        print_ratio("ours / reference in Kafka", ours_kafka / reference_kafka, OF_REFERENCE_KAFKA)
        print_ratio_at_most("fast in Kafka, us of CPU", 1e6 / cpu_rate, MOST_CPU_US)


if __name__ == "__main__":
    typer.run(main)
