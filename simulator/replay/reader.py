"""Reader of an event log: a JSON object of any size, of which one event at a time is in memory."""

import re
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from itertools import chain
from math import inf
from reprlib import repr as shortened
from typing import Any, Final, NoReturn

import ijson

from simulator.exceptions import EventLogRefused
from simulator.replay.content import InvalidContent, LogContent, other_format
from simulator.replay.shape import MOST_PEOPLE, InvalidEvent, Recorded, as_recorded

#: Keys of the log in addition to ``events``: the number of lines of each kind.
_LINES: Final = ("sellerLines", "scannerLines")

_MOST_LINES: Final = 10_000

#: Most bytes of one event, or of anything else between two events, which bounds memory: the ids of MOST_PEOPLE people,
#: each of the length of the largest, need less.
_MOST_BYTES: Final = 4 * 1024 * 1024

#: Most keys of one event, in addition to those that some kind of event has.
_MOST_KEYS: Final = 20

#: Deepest nesting of what is in the list of lines.
_MOST_DEPTH: Final = 100

#: Parser marks that begin a value.
_BEGINNINGS: Final = frozenset({"start_map", "start_array", "string", "number", "boolean", "null"})

_OPENING: Final = {"start_map": "an object", "start_array": "a list"}

Mark = tuple[str, Any]


class LogReader:
    """One-pass reader of the events of a log, in file order; the other keys are known afterwards."""

    def __init__(self, content: LogContent) -> None:
        """Prepare to read ``content``."""
        self._content: Final = content
        self._digest: Final = sha256()
        self._number = 0  #: number of the current event, from 1; 0: before the first
        self._is_past_events = False
        self._bytes_read = 0
        self._begun_at = 0  #: bytes read when the current event, or what is between two events, began
        self._marks: Iterator[Mark]
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
        self._marks = chain.from_iterable(self._parsed())
        try:
            yield from self._log()
        except ijson.JSONError as error:
            at = _byte_of(self._content, inf)
            other = other_format(next(self._content.chunks_again(), b"")) if at == 0 else None
            raise self._not_json(at, f"this is {other}" if other else _reason(error)) from error
        except InvalidContent as error:
            raise self._not_json(error.byte, str(error)) from error
        except OSError as error:
            raise EventLogRefused(
                f"Cannot read the event log {self._content.path}: {error.strerror or error}."
            ) from error

    def _parsed(self) -> Iterator[list[Mark]]:
        """Parse the content and yield the marks of each of its chunks; a list is only valid until the next one."""
        marks = ijson.sendable_list()
        parser = ijson.basic_parse_coro(marks, use_float=True)
        try:
            for chunk in self._content.chunks():
                self._bytes_read += len(chunk)
                self._digest.update(chunk)
                parser.send(chunk)
                yield marks
                marks.clear()
                if self._bytes_read - self._begun_at > _MOST_BYTES:
                    self._refuse(f"found more than {_MOST_BYTES} bytes without the end of an event, expected fewer")
            parser.close()
        except ijson.JSONError:
            yield marks  # of what comes before the error
            raise
        yield marks

    def _not_json(self, byte: int, reason: str) -> EventLogRefused:
        if self._number:
            where = f"in or after event {self._number}"
        else:
            where = "after the last event" if self._is_past_events else "before the first event"
        return EventLogRefused(
            f"{self._content}, byte {byte}, {where}: {reason}; expected one JSON object in UTF-8.", byte=byte
        )

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
                self._refuse(f"{shortened(key)} is given twice, expected once")
            seen.add(key)
            self._begun_at = self._bytes_read
            if key == "events":
                yield from self._events()
                self._number, self._is_past_events = 0, True
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
            if depth > _MOST_DEPTH:
                self._refuse(f"found a list nested more than {_MOST_DEPTH} deep, expected a number or a flat list")
        return length

    def _events(self) -> Iterator[Recorded]:
        mark, value = next(self._marks)
        if mark != "start_array":
            self._refuse(f"'events' is {_describe(mark, value)}, expected a list")
        for mark, value in self._marks:
            if mark == "end_array":
                return
            self._number += 1
            self._begun_at = self._bytes_read
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
                raise InvalidEvent(f"{shortened(key)} is given twice, expected once")
            if len(found) == _MOST_KEYS:
                raise InvalidEvent(f"it has more than {_MOST_KEYS} keys, expected fewer")
            mark, value = next(marks)  # noqa: PLW2901 - a key is followed by its value
            if mark == "start_array":
                value = self._list(key)
            elif mark == "start_map":
                raise InvalidEvent(f"{shortened(key)} is an object, expected a plain value or a list")
            found[key] = value
        return found

    def _list(self, key: str) -> list[Any]:
        found: list[Any] = []
        for mark, value in self._marks:
            if mark == "end_array":
                break
            if mark in _OPENING:
                raise InvalidEvent(f"{shortened(key)} holds {_OPENING[mark]}, expected plain values")
            if len(found) == MOST_PEOPLE:
                raise InvalidEvent(f"{shortened(key)} has more than {MOST_PEOPLE} values, expected fewer")
            found.append(value)
        return found

    def _refuse(self, what: str) -> NoReturn:
        if self._number:
            raise refusal(self._content, self._number, what)
        raise EventLogRefused(f"{self._content}: {what}.")


def refusal(content: LogContent, number: int, what: str) -> EventLogRefused:
    """Build the error for an invalid event, with its position.

    Args:
        content: The log.
        number: Number of the event, from 1.
        what: What was found and what is expected.
    """
    at = _byte_of(content, number)
    return EventLogRefused(f"{content}, event {number} at byte {at}: {what}.", event=number, byte=at)


def _byte_of(content: LogContent, number: float) -> int:
    """Return the byte at which an event begins or, if earlier, at which the content stops being JSON; from 0.

    The parser does not report its position, so the log is parsed again: in chunks, then the right chunk by the byte.
    """
    return _feed(content, number, bytewise_from=_feed(content, number, bytewise_from=inf))


def _feed(content: LogContent, number: float, *, bytewise_from: float) -> int:
    """Return the start of the chunk in which event ``number`` begins or the content stops being JSON."""
    marks = ijson.sendable_list()
    parser = ijson.basic_parse_coro(marks, use_float=True)
    counter = _EventCounter()
    at = content.first_byte
    with suppress(InvalidContent):
        for chunk in content.chunks_again():
            for part in (chunk[i : i + 1] for i in range(len(chunk))) if at >= bytewise_from else (chunk,):
                try:
                    parser.send(part)
                except ijson.JSONError:
                    return at
                counter.count(marks)
                if counter.begun >= number:
                    return at
                marks.clear()
                at += len(part)
    return at


class _EventCounter:
    """Counts the events that have begun, from the parser's marks."""

    def __init__(self) -> None:
        self.begun = 0
        self._depth = 0
        self._key = ""

    def count(self, marks: list[Mark]) -> None:
        """Count the events among the next marks."""
        for mark, value in marks:
            if mark == "map_key":
                if self._depth == 1:
                    self._key = value
                continue
            if self._depth == 2 and self._key == "events":  # noqa: PLR2004 - in the log's object and its list
                self.begun += mark in _BEGINNINGS
            self._depth += mark.startswith("start_") - mark.startswith("end_")


def _reason(error: ijson.JSONError) -> str:
    """Return the parser's first line, without the picture of the place that follows it."""
    return re.split(r"\n|\\n", str(error))[0].removeprefix("b'").strip().rstrip(".")


def _describe(mark: str, value: Any) -> str:
    return _OPENING.get(mark) or shortened(value)
