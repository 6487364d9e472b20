"""Validation: the contract, enforced message by message.

A message is either *accepted*, and becomes a row of its event type, or *rejected* for exactly one reason, and becomes a
row of the quarantine. The reason is the first of these rules that the message breaks:

1. ``malformed_json``: not exactly one JSON object in valid UTF-8 (a null or empty value, anything after the object,
   single quotes, a byte order mark, half a surrogate pair, nesting too deep to parse). Of a name given twice the last
   one counts.
2. ``missing_field:event_type``, ``bad_value:event_type`` (not a string), ``unknown_event_type``.
3. ``wrong_topic``: a known type, but not the one that the topic carries.
4. ``missing_field:schema_version``, ``bad_value:schema_version`` (not an int), ``unknown_schema_version``.
5. ``missing_field:<name>``: the first required field, in the contract's order, that is absent or null.
6. ``bad_value:<name>``: the first field, in the contract's order, whose value has the wrong JSON type or lies outside
   of what the contract allows; also a field that messages of this type do not carry.
7. ``bad_value:<name>`` for values that contradict each other, in this order: ``event_id`` that is not
   ``<run_id>-<venue_id>-<sequence>``, ``started_at`` or ``arrived_at`` after ``event_time`` (of a bus_arrival:
   ``started_at`` unlike it), ``event_time`` too far ahead of the broker's clock, a receipt's ``hour_start`` not on the
   hour or its ``event_time`` not the last microsecond of that hour.

Valid messages are decoded in C, by one typed decoder per topic, many at once. Messages that are rejected together are
validated one by one, and those rejected then field by field to find the reason, with the same types, so that all three
ways agree; the last one is decisive.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Final, Literal

import msgspec
import numpy as np
import pyarrow as pa

from simulator.events import (
    ACTIVITY_TYPES,
    EARLIEST_TIME_US,
    EVENT_TYPES,
    FIELDS,
    HOUR_US,
    LATEST_TIME_US,
    MAX_AHEAD_US,
    SCHEMA_VERSION,
    EventType,
    Field,
    is_event_id,
)
from streaming.lake.layout import QUARANTINE
from streaming.lake.schema import LAKE_SCHEMA

Values = tuple[Any, ...]  #: a message's values, one per field of the contract, in its order; None for absent fields

_LARGEST_INT: Final = 2**63 - 1
_DAY_US: Final = 24 * HOUR_US

#: Up to this many messages are validated one by one: halving them further to find the invalid one is no faster.
_FEW: Final = 32

_EVENT_TYPE, _EVENT_ID, _RUN_ID, _VENUE_ID, _EVENT_TIME, _STARTED_AT, _ARRIVED_AT, _HOUR_START = (
    [field.name for field in FIELDS].index(name)
    for name in (
        *("event_type", "event_id", "run_id", "venue_id"),
        *("event_time", "started_at", "arrived_at", "hour_start"),
    )
)

#: Exceptions of decoding for messages that break the contract; TypeError: the value is null.
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that keeps the contract."""

    values: Values


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that breaks the contract."""

    reason: str  #: the first rule broken, spelled as in this module's docstring


def check(topic: str, value: bytes | None, kafka_timestamp_us: int) -> Accepted | Rejected:
    """Check one message against the contract.

    Args:
        topic: The message's topic.
        value: The message's bytes; None for a message without a value.
        kafka_timestamp_us: The time at which the broker appended it, microseconds since the Unix epoch.
    """
    verdict = _validate(_FAST.get(topic), topic, value, kafka_timestamp_us)
    return Rejected(verdict) if isinstance(verdict, str) else Accepted(verdict)


def validate_batch(messages: pa.RecordBatch, ingested_at_us: int) -> pa.RecordBatch:
    """Turn messages into rows of the lake, as many and in the same order.

    Args:
        messages: The columns ``topic``, ``value``, ``partition``, ``offset`` and ``timestamp`` of Spark's Kafka source.
        ingested_at_us: The value of ``ingested_at``, microseconds since the Unix epoch.

    Returns:
        Rows with the columns of ``streaming.lake.schema.LAKE_SCHEMA``.
    """
    topics = messages["topic"].dictionary_encode()
    numbers = topics.indices.to_numpy()
    runs = list(_runs_of_one_topic(numbers))
    if len(runs) > len(topics.dictionary):  # Kafka delivers partition by partition, but nothing promises it
        order = np.argsort(numbers, kind="stable")
        return validate_batch(messages.take(pa.array(order)), ingested_at_us).take(pa.array(np.argsort(order)))

    timestamps = messages["timestamp"].cast(pa.timestamp("us", tz="UTC"))
    arrivals = timestamps.cast(pa.int64()).to_numpy()
    pieces = [_NOTHING]
    for start, end in runs:
        topic = messages["topic"][start].as_py()
        pieces += _rows_of(topic, messages["value"].slice(start, end - start), arrivals[start:end])

    filing = np.concatenate([piece.filed_by for piece in pieces])
    columns: dict[str, pa.Array] = {
        **dict(zip(_NAMES, map(pa.concat_arrays, zip(*(piece.fields for piece in pieces), strict=True)), strict=True)),
        "topic": messages["topic"],
        "kafka_partition": messages["partition"],
        "kafka_offset": messages["offset"],
        "kafka_timestamp": timestamps,
        "ingested_at": pa.array(np.full(len(messages), ingested_at_us, dtype=np.int64)),
        "raw": pa.concat_arrays([piece.raw for piece in pieces]),
        "reason": pa.concat_arrays([piece.reasons for piece in pieces]),
        "event_date": pa.array((filing // _DAY_US).astype(np.int32)),
        "event_hour": pa.array((filing % _DAY_US // HOUR_US).astype(np.int32)),
    }
    return pa.record_batch([columns[field.name].cast(field.type) for field in LAKE_SCHEMA], schema=LAKE_SCHEMA)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of consecutive messages."""

    fields: list[pa.Array]  #: one per field of the contract, in its order
    raw: pa.Array
    reasons: pa.Array
    filed_by: np.ndarray  #: microseconds since the Unix epoch


def _runs_of_one_topic(topics: np.ndarray) -> Iterator[tuple[int, int]]:
    """Return the start and end index of each run of equal topics, which are numbered."""
    starts = [0, *(np.flatnonzero(np.diff(topics)) + 1).tolist(), len(topics)]
    return pairwise(starts) if len(topics) else iter(())


def _rows_of(topic: str, values: pa.Array, arrivals: np.ndarray) -> Iterator[_Rows]:
    """Yield rows of messages of one topic: all at once if they are valid, else half by half, a few one by one."""
    read_lines = _FAST_LINES.get(topic)
    rows = read_lines(values, arrivals) if read_lines else None
    if rows is not None:
        yield rows
    elif read_lines is None or len(values) <= _FEW:
        yield _one_by_one(topic, values, arrivals)
    else:
        half = len(values) // 2
        yield from _rows_of(topic, values[:half], arrivals[:half])
        yield from _rows_of(topic, values[half:], arrivals[half:])


def _one_by_one(topic: str, values: pa.Array, arrivals: np.ndarray) -> _Rows:
    """Return the rows of messages of one topic, each validated on its own."""
    decode = _FAST.get(topic)
    messages: list[bytes | None] = values.to_pylist()
    rows: list[Values] = []
    raw: list[bytes | None] = []
    reasons: list[str | None] = []
    filed_by: list[int] = []
    for value, arrival in zip(messages, arrivals.tolist(), strict=True):
        verdict = _validate(decode, topic, value, arrival)
        accepted = not isinstance(verdict, str)
        raw.append(None if accepted else value)
        reasons.append(None if isinstance(verdict, tuple) else verdict)
        rows.append(verdict if isinstance(verdict, tuple) else _QUARANTINED)
        filed_by.append(verdict[_EVENT_TIME] if isinstance(verdict, tuple) else arrival)
    columns = zip(*rows, strict=True) if rows else [()] * len(_NAMES)
    return _Rows(
        fields=[_array(column, type_) for column, type_ in zip(columns, _ARROW_TYPES, strict=True)],
        raw=pa.array(raw, pa.binary()),
        reasons=pa.array(reasons, pa.string()),
        filed_by=np.array(filed_by, dtype=np.int64),
    )


class _ActivityReader:
    """A reader of valid messages of one activity: decoded in one call, their ids and times compared as columns."""

    def __init__(self, event_type: EventType) -> None:
        self._event_type = event_type
        self._decode_lines = msgspec.json.Decoder(_struct(event_type)).decode_lines
        self._carried = [field.name for field in FIELDS if event_type in field.required | field.optional]

    def __call__(self, values: pa.Array, arrivals: np.ndarray) -> _Rows | None:
        """Return the rows of ``values``; None if one may break the contract, or cannot be told from the next."""
        text = _as_lines(values)
        if text is None:
            return None
        try:
            events = self._decode_lines(text)
            if not text.isascii():
                text.decode()  # unknown fields are skipped, not decoded
        except _UNREADABLE:
            return None
        if len(events) != len(values):
            return None
        values_of = msgspec.structs.astuple
        columns: dict[str, Any] = dict(zip(_NAMES, zip(*map(values_of, events), strict=True), strict=True))
        times = {name: np.array(columns[name], dtype=np.int64) for name in ("event_time", "started_at", "arrived_at")}
        if self._contradict(times, arrivals) or not _all_are_event_ids(columns):
            return None
        columns |= times
        fixed = {"event_type": self._event_type.value, "schema_version": SCHEMA_VERSION}
        count = len(values)
        return _Rows(
            fields=[
                pa.repeat(pa.scalar(fixed[name], type_), count)
                if name in fixed
                else _array(columns[name], type_)
                if name in self._carried
                else pa.nulls(count, type_)
                for name, type_ in zip(_NAMES, _ARROW_TYPES, strict=True)
            ],
            raw=pa.nulls(count, pa.binary()),
            reasons=pa.nulls(count, pa.string()),
            filed_by=times["event_time"],
        )

    def _contradict(self, times: dict[str, np.ndarray], arrivals: np.ndarray) -> bool:
        """Return whether ``_contradiction`` finds something in any of the messages."""
        ended, started = times["event_time"], times["started_at"]
        return bool(
            (started > ended).any()
            or (self._event_type is EventType.BUS_ARRIVAL and (started != ended).any())
            or (times["arrived_at"] > ended).any()
            or (ended > arrivals + MAX_AHEAD_US).any()
        )


def _all_are_event_ids(columns: dict[str, Any]) -> bool:
    """Return whether ``is_event_id`` holds for all messages, whose runs and venues are few."""
    parts = [event_id.rpartition("-") for event_id in columns["event_id"]]
    heads, _, sequences = zip(*parts, strict=True)
    digits = "".join(sequences)
    return (
        all(sequences)
        and digits.isascii()
        and digits.isdigit()
        and all(
            is_event_id(f"{head}-0", run_id, venue_id)
            for head, run_id, venue_id in set(zip(heads, columns["run_id"], columns["venue_id"], strict=True))
        )
    )


def _as_lines(values: pa.Array) -> bytes | None:
    """Join messages as lines; None unless a decoder of lines finds exactly each message, or fails.

    Such a decoder reads one object after the other, even within a line. If every message begins with ``{`` and ends
    with ``}``, no object spans two of them: the break between them is not allowed within a text, and an object or array
    that is still open cannot continue with ``{`` after ``}``. So as many objects as messages means one each.
    """
    if values.null_count or not len(values):
        return None
    offsets = np.frombuffer(values.buffers()[1], np.int32, len(values) + 1, values.offset * 4)
    if (np.diff(offsets) < len(b"{}")).any():
        return None
    letters = np.frombuffer(values.buffers()[2], np.uint8)
    if (letters[offsets[:-1]] != ord("{")).any() or (letters[offsets[1:] - 1] != ord("}")).any():
        return None
    return b"\n".join(values.to_pylist())


def _array(values: Any, to: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(to):  # from Python ints this is twice as fast by way of int64
        return pa.array(values, pa.int64()).cast(to)
    return pa.array(values, to)


def _json_type(field: Field, event_type: EventType) -> Any:
    """Return the type that messages of ``event_type`` must have in ``field``, as msgspec reads it."""
    if event_type not in field.required | field.optional:
        return None
    required = _json_type_of_kind(field, event_type)
    return required if event_type in field.required else required | None


def _json_type_of_kind(field: Field, event_type: EventType) -> Any:
    if field.name == "event_type":
        return Literal[event_type.value]
    if field.name == "schema_version":
        return Literal[SCHEMA_VERSION]
    match field.kind:
        case "string":
            return (
                Literal[tuple(map(str, field.allowed))] if field.allowed else Annotated[str, msgspec.Meta(min_length=1)]
            )
        case "time":
            return Annotated[int, msgspec.Meta(ge=EARLIEST_TIME_US, le=LATEST_TIME_US)]
        case "int":
            smallest = -_LARGEST_INT if field.minimum is None else field.minimum
            return Annotated[int, msgspec.Meta(ge=smallest, le=_LARGEST_INT)]
        case "bool":
            return bool


def _struct(event_type: EventType) -> type[msgspec.Struct]:
    """Return the type of messages of ``event_type``, with every field of the contract: all types have equal rows."""
    fields: list[Any] = [
        (field.name, _json_type(field, event_type))
        if event_type in field.required
        else (field.name, _json_type(field, event_type), None)
        for field in FIELDS
    ]
    return msgspec.defstruct(event_type.value, fields, kw_only=True, gc=False)


#: Per topic: the bytes of a message to a struct of its type, or an exception.
_FAST: Final[dict[str, Callable[[bytes | None], msgspec.Struct]]] = {
    event_type.topic: msgspec.json.Decoder(_struct(event_type)).decode  # type: ignore[misc]
    for event_type in EVENT_TYPES
}

#: Per type and field: the bytes of one field's value to that value, or an exception.
_READ_FIELD: Final[dict[EventType, dict[str, Callable[[msgspec.Raw], Any]]]] = {
    event_type: {field.name: msgspec.json.Decoder(_json_type(field, event_type)).decode for field in FIELDS}
    for event_type in EVENT_TYPES
}

#: Per topic of an activity: values and times of arrival to their rows, all at once, or None. There are few receipts.
_FAST_LINES: Final = {event_type.topic: _ActivityReader(event_type) for event_type in ACTIVITY_TYPES}

_NAMES: Final = tuple(field.name for field in FIELDS)
_ARROW_TYPES: Final = tuple(LAKE_SCHEMA.field(name).type for name in _NAMES)
_QUARANTINED: Final[Values] = tuple(QUARANTINE if field.name == "event_type" else None for field in FIELDS)

_NOTHING: Final = _one_by_one("", pa.array([], pa.binary()), np.array([], dtype=np.int64))

_read_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_read_string: Final = msgspec.json.Decoder(str).decode
_read_int: Final = msgspec.json.Decoder(int).decode


def _validate(
    decode: Callable[[bytes | None], msgspec.Struct] | None, topic: str, value: bytes | None, kafka_timestamp_us: int
) -> Values | str:
    """Return the values of a message that keeps the contract, or the reason why it does not."""
    if decode is not None:
        try:
            event = decode(value)
            if not value.isascii():  # type: ignore[union-attr]  # unknown fields are skipped, not decoded
                value.decode()  # type: ignore[union-attr]
        except _UNREADABLE:
            pass
        else:
            values = msgspec.structs.astuple(event)
            return _contradiction(values, kafka_timestamp_us) or values
    return _take_apart(topic, value, kafka_timestamp_us)


def _take_apart(topic: str, value: bytes | None, kafka_timestamp_us: int) -> Values | str:
    """Validate field by field: slower than ``_validate``, but finds the reason."""
    fields = _fields_given(value)
    if fields is None:
        return "malformed_json"
    event_type = _heading(fields, topic)
    if not isinstance(event_type, EventType):
        return event_type
    for field in FIELDS:
        if event_type in field.required and field.name not in fields:
            return f"missing_field:{field.name}"
    values = []
    for field in FIELDS:
        given = fields.get(field.name)
        try:
            values.append(None if given is None else _READ_FIELD[event_type][field.name](given))
        except msgspec.ValidationError:
            return f"bad_value:{field.name}"
    return _contradiction(tuple(values), kafka_timestamp_us) or tuple(values)


def _fields_given(value: bytes | None) -> dict[str, msgspec.Raw] | None:
    """Return the fields of a message that are not null, values unread; None if the message is not a JSON object."""
    try:
        fields = _read_object(value)  # type: ignore[arg-type]
        value.decode()  # type: ignore[union-attr]
    except _UNREADABLE:
        return None
    return {name: given for name, given in fields.items() if bytes(given) != b"null"}


def _heading(fields: dict[str, msgspec.Raw], topic: str) -> EventType | str:
    """Return the message's type if the topic carries it in a version that we know, or what is wrong with that."""
    if "event_type" not in fields:
        return "missing_field:event_type"
    try:
        name = _read_string(fields["event_type"])
    except msgspec.ValidationError:
        return "bad_value:event_type"
    if name not in EVENT_TYPES:
        return "unknown_event_type"
    event_type = EventType(name)
    return _version_problem(fields) or event_type if event_type.topic == topic else "wrong_topic"


def _version_problem(fields: dict[str, msgspec.Raw]) -> str | None:
    if "schema_version" not in fields:
        return "missing_field:schema_version"
    try:
        version = _read_int(fields["schema_version"])
    except msgspec.ValidationError:
        return "bad_value:schema_version"
    return None if version == SCHEMA_VERSION else "unknown_schema_version"


def _contradiction(values: Values, kafka_timestamp_us: int) -> str | None:
    """Return the reason if two values contradict each other, in a message whose fields are each valid."""
    if not is_event_id(values[_EVENT_ID], values[_RUN_ID], values[_VENUE_ID]):
        return "bad_value:event_id"
    return _contradiction_of_times(values, kafka_timestamp_us)


def _contradiction_of_times(values: Values, kafka_timestamp_us: int) -> str | None:
    """Return the reason if two times contradict each other, in a message whose fields are each valid."""
    event_time, started_at, arrived_at = values[_EVENT_TIME], values[_STARTED_AT], values[_ARRIVED_AT]
    if started_at is not None and (
        started_at > event_time or (started_at != event_time and values[_EVENT_TYPE] == EventType.BUS_ARRIVAL)
    ):
        return "bad_value:started_at"
    if arrived_at is not None and arrived_at > event_time:
        return "bad_value:arrived_at"
    if event_time > kafka_timestamp_us + MAX_AHEAD_US:
        return "bad_value:event_time"
    hour_start = values[_HOUR_START]
    if hour_start is not None:
        if hour_start % HOUR_US:
            return "bad_value:hour_start"
        if event_time != hour_start + HOUR_US - 1:
            return "bad_value:event_time"
    return None
