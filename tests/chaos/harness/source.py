"""The source of the stream: simulated runs, with receipts, sent into Kafka while other things happen."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

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
    with kafka_sink(bootstrap, deadline_s=120, on_wait=lambda _: None) as sink:
        return simulate(_run(seed, hours, f"chaos-{seed}"), sink)


@contextmanager
def sending(bootstrap: str, *, seed: int, name: str = "chaos", rate: float = 150.0) -> Iterator[list[Summary]]:
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
                with kafka_sink(bootstrap, deadline_s=120, on_wait=lambda _: None) as sink:
                    run = _run(seed + len(done), 0.5, f"{name}-{seed}-{len(done)}")
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


def _run(seed: int, hours: float, run_id: str) -> Run:
    return plan_run(load_scenario("stable"), seed=seed, start=START, hours=hours, venues=2, run_id=run_id)
