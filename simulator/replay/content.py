"""The content of an event log: its bytes as UTF-8, decompressed, from a file or a pipe."""

import io
import zlib
from codecs import BOM_UTF8, getincrementaldecoder
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from gzip import BadGzipFile, GzipFile
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final, Self

_CHUNK: Final = 64 * 1024

#: No JSON text begins with it.
_GZIP_MAGIC: Final = b"\x1f"

#: What a file is that begins in one of these ways, and is not read.
_OTHER_FORMATS: Final = {
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"BZh": "compressed with bzip2; decompress it first, or use gzip",
    b"\xfd7zXZ": "compressed with xz; decompress it first, or use gzip",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; decompress it first, or use gzip",
    b"\xff\xfe": "UTF-16; save it as UTF-8",
    b"\xfe\xff": "UTF-16; save it as UTF-8",
    b"PAR1": "a Parquet file; expected JSON",
}


class InvalidContent(ValueError):
    """The content is not UTF-8, or its compressed form is damaged; ``byte`` is the offset, from 0."""

    def __init__(self, byte: int, what: str) -> None:
        super().__init__(what)
        self.byte = byte


class LogContent:
    """The content of a log, which can be read more than once: what comes through a pipe is copied to a temporary file.

    A byte order mark is skipped. Where the log is compressed with gzip, bytes are those of the decompressed log.
    """

    def __init__(self, path: Path, on_read: Callable[[int], None] = lambda _: None) -> None:
        """Prepare to read.

        Args:
            path: File of the log, or a pipe.
            on_read: Callback with the number of bytes read so far, as they lie in the file.
        """
        self.path: Final = path
        self.is_compressed = False
        self.first_byte = 0  #: the content begins here, after the byte order mark
        self._on_read: Final = on_read
        self._copy: IO[bytes] | None = None
        self._open: Final = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def __str__(self) -> str:
        return f"{self.path} (decompressed)" if self.is_compressed else str(self.path)

    def chunks(self) -> Iterator[bytes]:
        """Read the content for the first time.

        Raises:
            InvalidContent: It is not UTF-8, or cannot be decompressed.
            OSError: It cannot be read, or not be copied.
        """
        # Unbuffered, so that what has come through a pipe is looked at before more comes.
        with self.path.open("rb", buffering=0) as file:
            if self.path.is_file():
                yield from self._decoded(io.BufferedReader(_Watched(file, self._on_read), _CHUNK))
            else:
                self._copy = copy = self._open.enter_context(TemporaryFile())  # noqa: SIM115 - closed with the content
                yield from self._decoded(io.BufferedReader(_Watched(file, self._on_read, copy), _CHUNK))

    def chunks_again(self) -> Iterator[bytes]:
        """Read the same content, as far as it has been read before; see ``chunks``."""
        if self._copy is None:
            with self.path.open("rb") as file:
                yield from self._decoded(file)
        else:
            self._copy.seek(0)
            yield from self._decoded(io.BufferedReader(_Watched(self._copy)))

    def _decoded(self, stream: io.BufferedReader) -> Iterator[bytes]:
        self.is_compressed = stream.peek(1).startswith(_GZIP_MAGIC)
        return self._validated(GzipFile(fileobj=stream) if self.is_compressed else stream)

    def _validated(self, stream: io.BufferedReader | GzipFile) -> Iterator[bytes]:
        decoder = getincrementaldecoder("utf-8")()
        at = 0
        head = b""  # held back while it may become a byte order mark
        while chunk := self._next(stream, at + len(head)):
            if at == 0:
                head += chunk
                if len(head) < len(BOM_UTF8) and BOM_UTF8.startswith(head):
                    continue
                self.first_byte = len(BOM_UTF8) if head.startswith(BOM_UTF8) else 0
                chunk, head, at = head[self.first_byte :], b"", self.first_byte
            unfinished = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                if error.start > unfinished:
                    yield chunk[: error.start - unfinished]
                byte = at - unfinished + error.start
                raise InvalidContent(byte, _not_utf8(byte, error.object[error.start :])) from error
            if chunk:
                yield chunk
            at += len(chunk)
        if head:
            raise InvalidContent(0, _not_utf8(0, head))

    @staticmethod
    def _next(stream: io.BufferedReader | GzipFile, at: int) -> bytes:
        try:
            return stream.read1(_CHUNK)
        except (BadGzipFile, EOFError, zlib.error) as error:
            raise InvalidContent(at, f"its gzip data is damaged or incomplete ({str(error).rstrip('.')})") from error


class _Watched(io.RawIOBase):
    """A stream that reports how much has been read and can keep a copy of it."""

    def __init__(
        self,
        stream: IO[bytes] | io.FileIO,
        on_read: Callable[[int], None] = lambda _: None,
        copy: IO[bytes] | None = None,
    ) -> None:
        self._stream: Final = stream
        self._on_read: Final = on_read
        self._copy: Final = copy
        self._bytes_read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        size: int = self._stream.readinto(buffer)  # type: ignore[union-attr]
        if self._copy is not None:
            self._copy.write(memoryview(buffer)[:size])
        self._bytes_read += size
        self._on_read(self._bytes_read)
        return size


def other_format(head: bytes) -> str | None:
    """Return which other format the first bytes of a file belong to, and what to do about it; None if unknown."""
    return next((what for magic, what in _OTHER_FORMATS.items() if head.startswith(magic)), None)


def _not_utf8(byte: int, found: bytes) -> str:
    other = other_format(found) if byte == 0 else None
    return f"found the byte 0x{found[0]:02x}, which is not UTF-8" + (f": the file is {other}" if other else "")
