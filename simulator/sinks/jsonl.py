"""Sink of JSON lines, on standard output or in a file."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from simulator.exceptions import SinkError
from simulator.sinks.batch import Batch

#: Lines buffered before they are written; a write per line would cost as much as simulating it.
_BATCH: Final = 1000


class ByteStream(Protocol):
    """Destination of lines."""

    def write(self, lines: bytes | memoryview, /) -> object:
        """Write whole lines."""

    def flush(self) -> object:
        """Flush what was written."""


class JsonlSink:
    """Sink that writes the messages of all topics as lines, in order."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream: Final = stream
        self._lines: list[bytes] = []

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        """Take one message."""
        self._lines.append(value)
        if len(self._lines) >= _BATCH:
            self._write()

    def send_lines(self, lines: bytes) -> None:
        """Write messages that are whole lines already."""
        self._write()
        self._stream.write(lines)

    def send_batch(self, batch: Batch) -> None:
        """Write many messages."""
        self._write()
        self._stream.write(batch.lines.data)

    def poll(self) -> None:
        """Write buffered lines, so that a live reader sees them."""
        self.flush()

    def flush(self) -> None:
        """Write buffered lines."""
        self._write()
        self._stream.flush()

    def _write(self) -> None:
        if self._lines:
            self._lines.append(b"")
            self._stream.write(b"\n".join(self._lines))
            self._lines.clear()


@contextmanager
def stdout_sink(stream: BinaryIO) -> Iterator[JsonlSink]:
    """Write to ``stream``, which stays open.

    Raises:
        SinkError: The reader has closed the pipe, or the stream cannot be written.
    """
    # With PYTHONUNBUFFERED standard output has no buffer, and takes less than it is given when a signal comes while a
    # full pipe is waited for.
    is_raw = isinstance(stream, io.RawIOBase)
    sink = JsonlSink(open(stream.fileno(), "wb", closefd=False) if is_raw else stream)  # noqa: SIM115 - stays open
    try:
        yield sink
        sink.flush()
    except BrokenPipeError as error:
        _discard(stream)
        raise SinkError("The reader of standard output has gone away; the simulation was stopped.") from error
    except OSError as error:
        _discard(stream)
        raise SinkError(
            f"Cannot write to standard output: {error.strerror or error}. Write somewhere else, for example "
            "--to file:PATH."
        ) from error
    except (KeyboardInterrupt, SystemExit):
        _discard(stream)
        raise


def _discard(stream: BinaryIO) -> None:
    """Keep the interpreter from flushing standard output once more at exit: it would report an error, or wait."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextmanager
def file_sink(path: Path) -> Iterator[JsonlSink]:
    """Write to a file that gets its name once it is complete; a device or pipe is written to directly.

    Raises:
        SinkError: The file cannot be written.
    """
    is_special, unfinished = True, path
    try:
        # Replacing /dev/null by a file would break it for everyone on the machine.
        is_special = path.exists() and not path.is_file() and not path.is_dir()
        unfinished = path if is_special else path.with_name(path.name + ".part")
        with unfinished.open("wb") as stream:
            sink = JsonlSink(stream)
            yield sink
            sink.flush()
        if not is_special:
            unfinished.replace(path)
    except OSError as error:
        raise SinkError(f"Cannot write {path}: {error.strerror or error}. Choose another file.") from error
    finally:
        if not is_special:
            unfinished.unlink(missing_ok=True)
