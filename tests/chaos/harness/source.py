"""The source of the stream: simulated runs, with receipts, sent into Kafka while other things happen."""

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta

from harness.stream import TIMEOUT_S
from simulator.run import Run, Summary, plan_run, simulate
from simulator.scenario import load_scenario
from simulator.sinks.kafka import KafkaSink, kafka_sink

START = datetime(2026, 3, 1, 10, tzinfo=UTC)


class _Paced:
    """A sink that takes so many messages a second, until it is released."""

    def __init__(self, sink: KafkaSink, rate: float, released: threading.Event) -> None:
        self._sink, self._rate, self._released = sink, rate, released
        self._began = time.monotonic()
        self._sent = 0

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        self._sent += 1
        if self._sent % 50 == 0 and not self._released.is_set():
            self._sink.poll()
            self._released.wait(max(0.0, self._began + self._sent / self._rate - time.monotonic()))
        self._sink.send(topic, key, value)

    def poll(self) -> None:
        self._sink.poll()

    def flush(self) -> None:
        self._sink.flush()


def send_run(bootstrap: str, *, seed: int, hours: float = 0.5) -> Summary:
    """Send a whole run of two venues at once."""
    with patient_sink(bootstrap) as sink:
        return simulate(small_run(seed, hours, f"chaos-{seed}"), sink)


@contextmanager
def sending(
    bootstrap: str, *, seed: int, name: str = "chaos", hours: float = 0.5, rate: float = 150.0
) -> Iterator[list[Summary]]:
    """Send one run after the other at ``rate`` messages a second until the block is left; the last one to its end.

    Yields:
        A list that holds the runs' summaries afterwards: what they have really sent.
    """
    released = threading.Event()
    done: list[Summary] = []
    failed: list[BaseException] = []

    def send() -> None:
        try:
            while not released.is_set():
                with patient_sink(bootstrap) as sink:
                    run = small_run(seed + len(done), hours, f"{name}-{seed}-{len(done)}")
                    done.append(simulate(run, _Paced(sink, rate, released)))
        except BaseException as error:  # noqa: BLE001  # raised again by the thread that waits
            failed.append(error)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    try:
        yield done
    finally:
        released.set()
        thread.join(TIMEOUT_S)
    if failed:
        raise failed[0]
    assert not thread.is_alive(), "the simulation does not end"


def patient_sink(bootstrap: str) -> AbstractContextManager[KafkaSink]:
    """Send to a broker that may be away for two minutes."""
    return kafka_sink(bootstrap, deadline_s=120, on_wait=lambda _: None)


def small_run(seed: int, hours: float, run_id: str, *, minutes: int = 0) -> Run:
    """Plan a run of two venues that begins ``minutes`` after START."""
    start = START + timedelta(minutes=minutes)
    return plan_run(load_scenario("stable"), seed=seed, start=start, hours=hours, venues=2, run_id=run_id)
