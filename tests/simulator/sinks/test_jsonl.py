"""Messages as lines of a file."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from simulator.exceptions import SinkError
from simulator.sinks import open_sink
from simulator.sinks.jsonl import stdout_sink

LINES = [b"%06d" % number * 50 for number in range(10_000)]


@pytest.fixture
def many_signals():
    """A signal every two milliseconds that somebody handles."""
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("buffering", [0, -1], ids=["unbuffered", "buffered"])
@pytest.mark.usefixtures("many_signals")
def test_signals_while_a_slow_reader_is_waited_for_lose_no_byte(buffering):
    reading, writing = os.pipe()
    read = bytearray()

    def read_slowly():
        while some := os.read(reading, 2**16):
            read.extend(some)
            time.sleep(0.005)

    reader = threading.Thread(target=read_slowly, daemon=True)
    reader.start()
    with os.fdopen(writing, "wb", buffering=buffering) as stream, stdout_sink(stream) as sink:
        for line in LINES:
            sink.send("topic", b"key", line)
    reader.join(30)
    os.close(reading)
    assert read.splitlines() == LINES


def test_a_pipe_is_written_to_and_stays_one(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    with open_sink(f"file:{pipe}") as sink:
        sink.send("topic", b"key", b"one")
        sink.send("topic", b"key", b"two")
    reader.join(10)
    assert read == [b"one\ntwo\n"]
    assert pipe.is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_device_stays_a_device():
    with open_sink(f"file:{os.devnull}") as sink:
        sink.send("topic", b"key", b"value")
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize("buffering", [0, -1], ids=["unbuffered", "buffered"])
def test_a_full_disk_behind_standard_output_is_told_in_one_sentence(buffering):
    def write():
        with stdout_sink(stream) as sink:
            for line in LINES:
                sink.send("topic", b"key", line)

    with Path("/dev/full").open("wb", buffering=buffering) as stream:
        with pytest.raises(SinkError, match=r"Cannot write to standard output: No space left on device\. .*--to file:"):
            write()
        stream.write(b"more")
        stream.flush()  # as the interpreter does at its end


def test_an_impossible_name_of_a_file_is_refused(tmp_path):
    with (
        pytest.raises(SinkError, match=r"Cannot write .*: File name too long"),
        open_sink(f"file:{tmp_path / ('n' * 300)}"),
    ):
        pass


def test_a_file_that_was_there_is_replaced_as_a_whole(tmp_path):
    file = tmp_path / "events"
    file.write_bytes(b"old\n")
    with open_sink(f"file:{file}") as sink:
        sink.send("topic", b"key", b"new")
        sink.flush()
        assert file.read_bytes() == b"old\n"
    assert file.read_bytes() == b"new\n"
    assert [path.name for path in tmp_path.iterdir()] == ["events"]
