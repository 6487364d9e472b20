"""Messages as lines of a file."""

import os
import threading
from pathlib import Path

from simulator.sinks import open_sink


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


def test_a_file_that_was_there_is_replaced_as_a_whole(tmp_path):
    file = tmp_path / "events"
    file.write_bytes(b"old\n")
    with open_sink(f"file:{file}") as sink:
        sink.send("topic", b"key", b"new")
        sink.flush()
        assert file.read_bytes() == b"old\n"
    assert file.read_bytes() == b"new\n"
    assert [path.name for path in tmp_path.iterdir()] == ["events"]
