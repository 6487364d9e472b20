"""Fault injection: extra copies, late and reordered deliveries, and extra garbage.

Every true message is still sent, receipts included. Faults are drawn from random streams that belong to the venue, one
for each kind of fault: the same run gets the same faults, however many venues share its process, and enabling one kind
of fault does not move the others.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from heapq import heappop, heappush
from itertools import count
from math import isfinite
from typing import Any, Final
from zlib import crc32

import humanfriendly
import msgspec

from simulator.distributions import MINUTE_US, Streams
from simulator.events import TOPICS
from simulator.exceptions import ChaosError
from simulator.sinks.protocol import Sink

#: A copy comes at most this much event time after its original: soon enough for the same hour, and often too late for
#: the same batch of a stream that follows a paced run.
_COPY_WITHIN_US: Final = 10 * MINUTE_US

_MOST_LATE_S: Final = 7 * 24 * 3600.0

_EXAMPLE: Final = "duplicates=0.01,late=0.02:20m,corrupt=0.005,reorder=0.01"


@dataclass(frozen=True, slots=True)
class Chaos:
    """Fault rates; probabilities are per true message."""

    duplicates: float = 0.0  #: an extra copy, up to ten minutes of event time later
    late: float = 0.0  #: delivery once the venue's time has advanced by ``delay_us``
    delay_us: int = 0  #: microseconds of event time
    corrupt: float = 0.0  #: an extra message that breaks the contract
    reorder: float = 0.0  #: delivery after the venue's next message


@dataclass(slots=True)
class Injected:
    """Injected faults, counted in messages."""

    duplicates: int = 0
    late: int = 0
    reorder: int = 0
    corrupt: Counter[str] = field(default_factory=Counter)  #: by kind of garbage

    @property
    def extra(self) -> int:
        """Messages sent beyond the true ones."""
        return self.duplicates + self.corrupt.total()

    def __add__(self, other: "Injected") -> "Injected":
        return Injected(
            self.duplicates + other.duplicates,
            self.late + other.late,
            self.reorder + other.reorder,
            self.corrupt + other.corrupt,
        )

    def as_dict(self) -> dict[str, Any]:
        """Convert to plain data."""
        return asdict(self) | {"corrupt": dict(sorted(self.corrupt.items()))}


def parse_chaos(spec: str) -> Chaos:
    """Parse ``duplicates=P,late=P:DELAY,corrupt=P,reorder=P``; each part is optional, but at least one is required.

    Raises:
        ChaosError: A name is unknown or given twice, or a probability or delay is invalid.
    """
    values: dict[str, Any] = {}
    for part in spec.split(","):
        name, equals, value = (text.strip() for text in part.partition("="))
        if not equals or name not in {"duplicates", "late", "corrupt", "reorder"}:
            raise ChaosError(
                f"Unknown chaos '{part}'; expected duplicates=P, late=P:DELAY, corrupt=P or reorder=P, "
                f"for example {_EXAMPLE}."
            )
        if name in values:
            raise ChaosError(f"Duplicate chaos '{part}': {name} is given twice; give it once.")
        if name == "late":
            value, colon, delay = (text.strip() for text in value.partition(":"))
            if not colon:
                raise ChaosError(f"Missing delay in chaos '{part}'; expected late=P:DELAY, for example late=0.02:20m.")
            values["delay_us"] = _delay_us(part, delay)
        values[name] = _probability(part, value)
    return Chaos(**values)


def _probability(part: str, text: str) -> float:
    try:
        probability = float(text)
    except ValueError as error:
        raise ChaosError(f"Invalid probability '{text}' in chaos '{part}'; expected a number from 0 to 1.") from error
    if not 0 <= probability <= 1:
        raise ChaosError(f"Invalid probability {text} in chaos '{part}'; expected a number from 0 to 1.")
    return probability


def _delay_us(part: str, text: str) -> int:
    try:
        seconds = float(humanfriendly.parse_timespan(text))
    except (humanfriendly.InvalidTimespan, ValueError, OverflowError) as error:  # the last two for thousands of digits
        raise ChaosError(f"Invalid delay '{text}' in chaos '{part}'; expected for example 90s, 20m or 2h.") from error
    if not isfinite(seconds) or not 0 < seconds <= _MOST_LATE_S:
        raise ChaosError(f"Invalid delay '{text}' in chaos '{part}'; expected more than 0 and at most 7 days.")
    return max(1, round(seconds * 1_000_000))


@contextmanager
def chaos_sink(sink: Sink, chaos: Chaos, seed: int) -> Iterator["ChaosSink"]:
    """Inject faults into what is sent to ``sink``; its ``injected`` counts them.

    On a normal exit, all messages that are still held back are sent.

    Args:
        sink: Where the messages go.
        chaos: Fault rates.
        seed: Seed of the run.
    """
    faulty_sink = ChaosSink(sink, chaos, seed)
    yield faulty_sink
    faulty_sink.flush()


class ChaosSink:
    """Sink that injects faults and forwards the messages to another sink."""

    def __init__(self, sink: Sink, chaos: Chaos, seed: int) -> None:
        self._sink: Final = sink
        self._chaos: Final = chaos
        self._seed: Final = seed
        self._venues: Final[dict[bytes, _Venue]] = {}
        self.injected: Final = Injected()  #: faults injected so far

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        """Take one message of the venue whose id is ``key``."""
        venue = self._venues.get(key)
        if venue is None:
            streams = Streams(self._seed, crc32(key))
            venue = self._venues[key] = _Venue(key, self._sink.send, self._chaos, streams, self.injected)
        venue.send(topic, value)

    def poll(self) -> None:
        """Poll the wrapped sink."""
        self._sink.poll()

    def flush(self) -> None:
        """Send everything that is still held back and wait until it is delivered."""
        for venue in self._venues.values():
            venue.release_all()
        self._sink.flush()


class _Stamp(msgspec.Struct):
    event_time: int


_stamp: Final = msgspec.json.Decoder(_Stamp).decode


class _Venue:
    """Fault injection for the messages of one venue."""

    def __init__(
        self,
        key: bytes,
        send: Callable[[str, bytes, bytes], None],
        chaos: Chaos,
        streams: Streams,
        injected: Injected,
    ) -> None:
        self._key: Final = key
        self._send: Final = send
        self._chaos: Final = chaos
        self._injected: Final = injected
        self._duplicates: Final = streams.uniforms("chaos: duplicates")
        self._copies: Final = streams.uniforms("chaos: delay of a copy")
        self._late: Final = streams.uniforms("chaos: late")
        self._corrupt: Final = streams.uniforms("chaos: corrupt")
        self._garbage: Final = streams.uniforms("chaos: garbage")
        self._reorder: Final = streams.uniforms("chaos: reorder")
        self._held: Final[list[tuple[int, int, str, bytes]]] = []  #: heap by due time, then by order of arrival
        self._order: Final = count()
        self._overtaken: tuple[str, bytes] | None = None  #: waits for the next message to go first

    def send(self, topic: str, value: bytes) -> None:
        """Take one message; held messages that are due by its event time are sent first."""
        chaos, now = self._chaos, _stamp(value).event_time
        while self._held and self._held[0][0] <= now:
            self._pass_on(*heappop(self._held)[2:])
        if next(self._late) < chaos.late:
            self._hold(now + chaos.delay_us, topic, value)
            self._injected.late += 1
        elif self._overtaken is None and next(self._reorder) < chaos.reorder:
            self._overtaken = (topic, value)
        else:
            self._pass_on(topic, value)
        if next(self._duplicates) < chaos.duplicates:
            self._hold(now + int(next(self._copies) * _COPY_WITHIN_US), topic, value)
            self._injected.duplicates += 1
        if next(self._corrupt) < chaos.corrupt:
            kind = _KINDS[int(next(self._garbage) * len(_KINDS))]
            self._send(*_garbage(kind, topic, self._key, value, self._garbage))
            self._injected.corrupt[kind] += 1

    def release_all(self) -> None:
        """Send everything that is held back, in the order of due times."""
        while self._held:
            self._pass_on(*heappop(self._held)[2:])
        if self._overtaken is not None:
            self._send(self._overtaken[0], self._key, self._overtaken[1])
            self._overtaken = None

    def _hold(self, due: int, topic: str, value: bytes) -> None:
        heappush(self._held, (due, next(self._order), topic, value))

    def _pass_on(self, topic: str, value: bytes) -> None:
        self._send(topic, self._key, value)
        if self._overtaken is not None:
            self._send(self._overtaken[0], self._key, self._overtaken[1])
            self._overtaken = None
            self._injected.reorder += 1


_LONGEST_NOISE: Final = 200

#: Replacements for values of the true message, by kind of garbage; None removes the field.
_SPOILT_FIELDS: Final[dict[str, dict[str, Any]]] = {
    "missing_field": {"event_id": None},
    "wrong_type": {"event_time": "yesterday"},
    "time_out_of_range": {"event_time": 253_402_300_800_000_000},
    "unknown_event_type": {"event_type": "teleport"},
    "wrong_version": {"schema_version": 0},
}

_KINDS: Final = ("truncated", "random_bytes", "trailing_garbage", "single_quotes", "wrong_topic", *_SPOILT_FIELDS)


def _garbage(kind: str, topic: str, key: bytes, value: bytes, uniforms: Iterator[float]) -> tuple[str, bytes, bytes]:
    """Build a message that violates the contract from a true one; it contains no line break."""
    if kind == "truncated":
        value = value[: 1 + int(next(uniforms) * (len(value) - 1))]
    elif kind == "random_bytes":
        # UTF-8 never holds the byte 255.
        length = 1 + int(next(uniforms) * _LONGEST_NOISE)
        value = b"\xff" + bytes(128 + int(next(uniforms) * 128) for _ in range(length))
    elif kind == "trailing_garbage":
        value += value
    elif kind == "single_quotes":
        value = value.replace(b'"', b"'")
    elif kind == "wrong_topic":
        others = [other for other in TOPICS if other != topic]
        topic = others[int(next(uniforms) * len(others))]
    else:
        message = msgspec.json.decode(value) | _SPOILT_FIELDS[kind]
        value = msgspec.json.encode({name: field for name, field in message.items() if field is not None})
    return topic, key, value
