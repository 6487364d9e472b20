"""A producer that hands many messages to librdkafka in one call, through its C interface.

It is the library that ``confluent_kafka`` has inside, whose own producer takes Python objects, one for each message.
"""

import ctypes
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from confluent_kafka import KafkaError as ClientError
from confluent_kafka import KafkaException, cimpl

from simulator.sinks.batch import Batch

_PRODUCER: Final = 0
_NO_PARTITION: Final = -1
_COPY: Final = 2
_PURGE_ALL: Final = 3
_ERROR_BYTES: Final = 512

#: ``rd_kafka_message_t``.
_MESSAGE: Final = np.dtype(
    [
        ("err", "i4"),
        ("topic", "u8"),
        ("partition", "i4"),
        ("value", "u8"),
        ("value_length", "u8"),
        ("key", "u8"),
        ("key_length", "u8"),
        ("offset", "i8"),
        ("private", "u8"),
    ],
    align=True,
)


class _Message(ctypes.Structure):
    """The beginning of ``rd_kafka_message_t``."""

    _fields_ = (("err", ctypes.c_int),)


_ON_DELIVERY: Final = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(_Message), ctypes.c_void_p)
_ON_ERROR: Final = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)

_POINTER: Final = ctypes.c_void_p
_TEXT: Final = ctypes.c_char_p
_INT: Final = ctypes.c_int
_SIZE: Final = ctypes.c_size_t

#: The functions that are called: what they return and take.
_FUNCTIONS: Final[Mapping[str, tuple[Any, tuple[Any, ...]]]] = {
    "rd_kafka_conf_new": (_POINTER, ()),
    "rd_kafka_conf_destroy": (None, (_POINTER,)),
    "rd_kafka_conf_set": (_INT, (_POINTER, _TEXT, _TEXT, _TEXT, _SIZE)),
    "rd_kafka_conf_set_dr_msg_cb": (None, (_POINTER, _ON_DELIVERY)),
    "rd_kafka_conf_set_error_cb": (None, (_POINTER, _ON_ERROR)),
    "rd_kafka_new": (_POINTER, (_INT, _POINTER, _TEXT, _SIZE)),
    "rd_kafka_topic_new": (_POINTER, (_POINTER, _TEXT, _POINTER)),
    "rd_kafka_topic_destroy": (None, (_POINTER,)),
    "rd_kafka_produce_batch": (_INT, (_POINTER, ctypes.c_int32, _INT, _POINTER, _INT)),
    "rd_kafka_poll": (_INT, (_POINTER, _INT)),
    "rd_kafka_flush": (_INT, (_POINTER, _INT)),
    "rd_kafka_purge": (_INT, (_POINTER, _INT)),
    "rd_kafka_outq_len": (_INT, (_POINTER,)),
    "rd_kafka_destroy": (None, (_POINTER,)),
    "rd_kafka_err2str": (_TEXT, (_INT,)),
}


def _library() -> ctypes.CDLL:
    """Load the library that confluent_kafka's extension module has loaded: its symbols are found through it."""
    library = ctypes.CDLL(cimpl.__file__)
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class BatchProducer:
    """A producer with the methods of ``confluent_kafka.Producer`` that sinks use, and one for many messages."""

    def __init__(self, config: Mapping[str, Any], topics: Sequence[str]) -> None:
        """Start the client.

        Args:
            config: As for ``confluent_kafka.Producer``, with the callbacks ``on_delivery`` and ``error_cb``.
            topics: All topics that messages are for.

        Raises:
            KafkaException: The configuration is invalid.
        """
        self._library: Final = _library()
        # Callbacks that nothing refers to would be freed while the library still calls them.
        self._callbacks: Final = (
            _ON_DELIVERY(self._failures_to(config["on_delivery"])),
            _ON_ERROR(lambda _, code, reason, __: config["error_cb"](ClientError(code, reason.decode()))),
        )
        text = {name: value for name, value in config.items() if name not in ("on_delivery", "error_cb")}
        self._client: Final = self._new(text)
        self._topics: Final = {name: self._call("topic_new", self._client, name.encode(), None) for name in topics}
        self._by_place: Final = [self._topics[name] for name in topics]

    def produce(self, topic: str, value: bytes, key: bytes) -> None:
        """Queue one message.

        Raises:
            BufferError: The queue is full.
            KafkaException: The message is refused.
        """
        message = np.zeros(1, _MESSAGE)
        message["value"], message["value_length"] = _address(value), len(value)
        message["key"], message["key_length"] = _address(key), len(key)
        if not self._produce(self._topics[topic], message):
            self._raise_unless_full(message)
            raise BufferError("the queue is full")

    def produce_batch(self, batch: Batch) -> Iterator[tuple[int, int]]:
        """Queue many messages, those of each topic in their order.

        Yields:
            How many messages were queued, and how many of the same topic were not because the queue is full: they are
            tried again when the iteration continues.

        Raises:
            KafkaException: A message is refused.
        """
        keys = np.array([_address(key) for key in batch.keys], np.uint64)
        key_lengths = np.array([len(key) for key in batch.keys], np.uint64)
        starts = np.concatenate(([0], batch.ends[:-1]))
        for place in np.unique(batch.topics).tolist():
            rows = np.flatnonzero(batch.topics == place)
            venues = batch.venues[rows]
            messages = np.zeros(len(rows), _MESSAGE)
            messages["value"] = batch.lines.ctypes.data + starts[rows]
            messages["value_length"] = batch.ends[rows] - 1 - starts[rows]
            messages["key"], messages["key_length"] = keys[venues], key_lengths[venues]
            while len(messages):
                taken = self._produce(self._by_place[place], messages)
                # As soon as one finds the queue full, so do all after it.
                messages = messages[taken:]
                self._raise_unless_full(messages)
                yield taken, len(messages)

    def poll(self, timeout_s: float) -> None:
        """Let callbacks be called; wait for one for at most ``timeout_s``."""
        self._call("poll", self._client, round(timeout_s * 1000))

    def flush(self, timeout_s: float) -> int:
        """Wait for deliveries for at most ``timeout_s``; return how many messages are left."""
        self._call("flush", self._client, round(timeout_s * 1000))
        return len(self)

    def purge(self) -> None:
        """Discard what is not delivered."""
        self._call("purge", self._client, _PURGE_ALL)

    def close(self) -> None:
        """Free the client; nothing may be called after this."""
        for topic in self._by_place:
            self._call("topic_destroy", topic)
        self._call("destroy", self._client)

    def __len__(self) -> int:
        """Return the number of messages and callbacks that are waiting."""
        return int(self._call("outq_len", self._client))

    def _new(self, config: Mapping[str, Any]) -> Any:
        error = ctypes.create_string_buffer(_ERROR_BYTES)
        conf = self._call("conf_new")
        for name, value in config.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            if self._call("conf_set", conf, name.encode(), text.encode(), error, _ERROR_BYTES):
                self._call("conf_destroy", conf)
                raise KafkaException(ClientError(ClientError._INVALID_ARG, error.value.decode()))
        self._call("conf_set_dr_msg_cb", conf, self._callbacks[0])
        self._call("conf_set_error_cb", conf, self._callbacks[1])
        client = self._call("new", _PRODUCER, conf, error, _ERROR_BYTES)
        if not client:
            self._call("conf_destroy", conf)
            raise KafkaException(ClientError(ClientError._INVALID_ARG, error.value.decode()))
        return client

    def _produce(self, topic: Any, messages: Any) -> int:
        """Queue messages of one topic; return how many were taken, ``err`` of the others says why not."""
        return int(self._call("produce_batch", topic, _NO_PARTITION, _COPY, messages.ctypes.data, len(messages)))

    def _raise_unless_full(self, messages: Any) -> None:
        for code in messages["err"].tolist():
            if code != ClientError._QUEUE_FULL:
                raise KafkaException(self._error(code))

    def _failures_to(self, on_delivery: Callable[[ClientError | None, object], None]) -> Callable[..., None]:
        def report(_: object, message: Any, __: object) -> None:
            code = message.contents.err
            on_delivery(self._error(code) if code else None, None)

        return report

    def _error(self, code: int) -> ClientError:
        return ClientError(code, self._call("err2str", code).decode())

    def _call(self, name: str, *arguments: Any) -> Any:
        return getattr(self._library, f"rd_kafka_{name}")(*arguments)


def _address(text: bytes) -> int:
    """Return where Python keeps a text, which must outlive the use of the address."""
    return ctypes.cast(ctypes.c_char_p(text), ctypes.c_void_p).value or 0
