"""Reader of an event log: a JSON object of any size, of which one event at a time is in memory."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from math import inf
from pathlib import Path
from reprlib import repr as shortened
from typing import Any, BinaryIO, Final, NoReturn

import ijson

from simulator.exceptions import EventLogRefused
from simulator.replay.shape import MOST_PEOPLE, InvalidEvent, Recorded, as_recorded

_CHUNK: Final = 64 * 1024

#: Keys of the log in addition to ``events``: the number of lines of each kind.
_LINES: Final = ("sellerLines", "scannerLines")

_MOST_LINES: Final = 10_000

#: Parser marks that begin a value.
_BEGINNINGS: Final = frozenset({"start_map", "start_array", "string", "number", "boolean", "null"})

_OPENING: Final = {"start_map": "an object", "start_array": "a list"}


class LogReader:
    """One-pass reader of the events of a log, in file order; the other keys are known afterwards."""

    def __init__(self, path: Path, on_read: Callable[[int], None] = lambda _: None) -> None:
        """Prepare to read.

        Args:
            path: File of the log.
            on_read: Callback with the number of bytes read so far.
        """
        self._path: Final = path
        self._on_read: Final = on_read
        self._digest: Final = sha256()
        self._bytes_read = 0
        self._number = 0  #: number of the current event, from 1; 0: before the first
        self._stream: BinaryIO
        self._marks: Iterator[tuple[str, Any]]
        self.lines: Final[dict[str, int]] = {}  #: sellerLines and scannerLines

    @property
    def content_digest(self) -> str:
        """Digest of the bytes read."""
        return self._digest.hexdigest()

    def events(self) -> Iterator[Recorded]:
        """Read the file and yield its events.

        Raises:
            EventLogRefused: It cannot be read, is not JSON, or has the wrong format.
        """
        try:
            with self._path.open("rb") as self._stream:
                self._marks = ijson.basic_parse(self, use_float=True, buf_size=_CHUNK)
                yield from self._log()
        except ijson.JSONError as error:
            reason = str(error).partition("\n")[0].removeprefix("b'")
            at = _byte_of(self._path, inf)
            where = f"in or after event {self._number}" if self._number else "before the first event"
            raise EventLogRefused(
                f"{self._path}, byte {at}, {where}: {reason}; expected one JSON object in UTF-8.", byte=at
            ) from error
        except OSError as error:
            raise EventLogRefused(f"Cannot read the event log {self._path}: {error.strerror or error}.") from error

    def read(self, size: int) -> bytes:
        """Read the next bytes of the file; called by the parser."""
        chunk = self._stream.read(size)
        self._bytes_read += len(chunk)
        self._digest.update(chunk)
        self._on_read(self._bytes_read)
        return chunk

    def _log(self) -> Iterator[Recorded]:
        mark, value = next(self._marks)
        if mark != "start_map":
            self._refuse(f"found {_describe(mark, value)}, expected an object with events, {', '.join(_LINES)}")
        known = {"events", *_LINES}
        seen: set[str] = set()
        for mark, key in self._marks:
            if mark == "end_map":
                break
            if key in seen:
                self._refuse(f"'{key}' is given twice, expected once")
            seen.add(key)
            if key == "events":
                yield from self._events()
                self._number = 0
            elif key in _LINES:
                self.lines[key] = self._count(key)
            else:
                self._refuse(f"found the key {shortened(key)}, expected only events, {', '.join(_LINES)}")
        for key in sorted(known - seen):
            self._refuse(f"'{key}' is missing, expected together with {', '.join(sorted(known - {key}))}")
        for _ in self._marks:
            pass  # the parser raises if anything follows the object

    def _count(self, key: str) -> int:
        """Read a number of lines, given as a number or as a list of them."""
        mark, value = next(self._marks)
        if mark == "start_array":
            value = self._length()
        if type(value) is not int or not 1 <= value <= _MOST_LINES:
            self._refuse(
                f"'{key}' is {_describe(mark, value)}, expected a whole number from 1 to {_MOST_LINES}, or a list"
            )
        return value

    def _length(self) -> int:
        """Count the values of the list that has just begun."""
        length, depth = 0, 1
        while depth:
            mark, _ = next(self._marks)
            length += depth == 1 and mark in _BEGINNINGS
            depth += mark.startswith("start_") - mark.startswith("end_")
        return length

    def _events(self) -> Iterator[Recorded]:
        mark, value = next(self._marks)
        if mark != "start_array":
            self._refuse(f"'events' is {_describe(mark, value)}, expected a list")
        for mark, value in self._marks:
            if mark == "end_array":
                return
            self._number += 1
            if mark != "start_map":
                self._refuse(f"found {_describe(mark, value)}, expected an object")
            try:
                recorded = as_recorded(self._object())
            except InvalidEvent as invalid:
                self._refuse(str(invalid))
            yield recorded

    def _object(self) -> dict[str, Any]:
        """Read the object that has just begun, of plain values and lists of them."""
        found: dict[str, Any] = {}
        marks = self._marks
        for mark, key in marks:
            if mark == "end_map":
                break
            if key in found:
                raise InvalidEvent(f"'{key}' is given twice, expected once")
            mark, value = next(marks)  # noqa: PLW2901 - a key is followed by its value
            if mark == "start_array":
                value = self._list(key)
            elif mark == "start_map":
                raise InvalidEvent(f"'{key}' is an object, expected a plain value or a list")
            found[key] = value
        return found

    def _list(self, key: str) -> list[Any]:
        found: list[Any] = []
        for mark, value in self._marks:
            if mark == "end_array":
                break
            if mark in _OPENING:
                raise InvalidEvent(f"'{key}' holds {_OPENING[mark]}, expected plain values")
            if len(found) == MOST_PEOPLE:
                raise InvalidEvent(f"'{key}' has more than {MOST_PEOPLE} values, expected fewer")
            found.append(value)
        return found

    def _refuse(self, what: str) -> NoReturn:
        if self._number:
            raise refusal(self._path, self._number, what)
        raise EventLogRefused(f"{self._path}: {what}.")


def refusal(path: Path, number: int, what: str) -> EventLogRefused:
    """Build the error for an invalid event, with its position.

    Args:
        path: File of the log.
        number: Number of the event, from 1.
        what: What was found and what is expected.
    """
    at = _byte_of(path, number)
    return EventLogRefused(f"{path}, event {number} at byte {at}: {what}.", event=number, byte=at)


def _byte_of(path: Path, number: float) -> int:
    """Return the byte at which an event begins or, if earlier, at which the file stops being JSON; from 0.

    The parser does not report its position, so the file is parsed again: in chunks, then the right chunk by the byte.
    """
    return _feed(path, number, bytewise_from=_feed(path, number, bytewise_from=inf))


def _feed(path: Path, number: float, *, bytewise_from: float) -> int:
    """Return the start of the chunk in which event ``number`` begins or the file stops being JSON."""
    marks = ijson.sendable_list()
    parser = ijson.parse_coro(marks, use_float=True)
    at = begun = 0
    with path.open("rb") as stream:
        while part := stream.read(1 if at >= bytewise_from else _CHUNK):
            try:
                parser.send(part)
            except ijson.JSONError:
                return at
            begun += sum(prefix == "events.item" and mark in _BEGINNINGS for prefix, mark, _ in marks)
            if begun >= number:
                return at
            marks.clear()
            at += len(part)
    return at


def _describe(mark: str, value: Any) -> str:
    return _OPENING.get(mark) or shortened(value)
