"""The content digest of a receipt: one integer over all fields of all events that the receipt counts, and its own.

Everything is arithmetic of whole numbers of less than 64 bits, so that SQL engines calculate exactly the same:

1. Each value is a number: an int itself, a time its microseconds since the Unix epoch, a bool 0 or 1, a text the first
   15 hexadecimal digits of its MD5. An ``event_id`` is its sequence number if it is
   ``<run_id>-<venue_id>-<sequence>`` without leading zeros, else -1 minus the number of its text.
2. An event has a weight: the sum of ``factor * number + offset`` over its fields that are not null, modulo
   ``WEIGHT_MODULUS``. It is squared, modulo ``DIGEST_MODULUS``: the sum of weights would stay the same where two events
   exchange a field, the sum of squares does not.
3. The digest is the sum of these squares over all events, the receipt itself and its ``KEYS``, modulo
   ``DIGEST_MODULUS``. The order of events does not matter.

Factors and offsets follow from the names of fields; those of ``started_at`` and ``event_time`` add up to 1, so that
both cost the simulator one short multiplication, that of the duration. A field that is null adds nothing, so a contract
that gains an optional field leaves the digests of earlier receipts as they are. The digest finds mistakes, not forgers:
anybody can calculate it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import md5
from typing import Any, Final

from simulator.events import FIELDS, Field, is_event_id

#: A prime below 2^30, which fits into one digit of Python's integers; the square of a weight has less than 60 bits.
WEIGHT_MODULUS: Final = 1_073_741_789

#: A prime below 2^40, so that what eight million events add can be summed in 63 bits.
DIGEST_MODULUS: Final = 2**40 - 87

#: Factors are smaller, of either sign, so that several products with a number below WEIGHT_MODULUS fit into 63 bits.
MAX_FACTOR: Final = 2**29

#: Hexadecimal digits of a text's MD5: as many as fit into 63 bits.
TEXT_DIGITS: Final = 15

#: Fields that all events of a receipt share. They are in the digest once; ``event_type`` is the type that is counted.
KEYS: Final = ("event_type", "run_id", "venue_id")

#: The field that holds the digest.
DIGEST: Final = "digest"

#: All other fields, of which each event's weight consists.
CONTENT_FIELDS: Final[tuple[Field, ...]] = tuple(field for field in FIELDS if field.name not in {*KEYS, DIGEST})

#: A sequence number of more digits may have more than 63 bits.
_MOST_DIGITS: Final = 18


@dataclass(frozen=True, slots=True)
class Term:
    """What a field adds to the weight of an event: ``factor * number + offset``."""

    factor: int
    offset: int

    def of(self, number: int) -> int:
        """Return what a value with this number adds."""
        return self.factor * number + self.offset


def number_of_text(text: str) -> int:
    """Return the number of a text, below 2^60."""
    return int(md5(text.encode(), usedforsecurity=False).hexdigest()[:TEXT_DIGITS], 16)


def number_of_event_id(event_id: str, run_id: str, venue_id: str) -> int:
    """Return the number of an event's id: its sequence number, or a negative one if it is written in another way."""
    sequence = event_id.rpartition("-")[2]
    if is_event_id(event_id, run_id, venue_id) and len(sequence) <= _MOST_DIGITS and str(int(sequence)) == sequence:
        return int(sequence)
    return -1 - number_of_text(event_id)


def _factor(name: str) -> int:
    return 1 + number_of_text(f"factor of {name}") % (MAX_FACTOR - 1)


def _term(name: str) -> Term:
    return Term(
        factor=1 - _factor("event_time") if name == "started_at" else _factor(name),
        offset=1 + number_of_text(f"offset of {name}") % (WEIGHT_MODULUS - 1),
    )


#: The term of every field, by its name.
TERMS: Final[Mapping[str, Term]] = {field.name: _term(field.name) for field in FIELDS if field.name != DIGEST}


def offsets_and_factors(*names: str) -> tuple[int, tuple[int, ...]]:
    """Return the sum of the offsets of fields, and the factor of each, in the order of ``names``."""
    terms = [TERMS[name] for name in names]
    return sum(term.offset for term in terms), tuple(term.factor for term in terms)


def mix(weight: int) -> int:
    """Return what an event adds to a digest, from its weight, which need not be reduced."""
    reduced = weight % WEIGHT_MODULUS
    return reduced * reduced % DIGEST_MODULUS


def mixed_keys(event_type: str, run_id: str, venue_id: str) -> int:
    """Return what the fields that all events share add to a digest."""
    texts = zip(KEYS, (event_type, run_id, venue_id), strict=True)
    return mix(sum(TERMS[name].of(number_of_text(text)) for name, text in texts))


def weight_of(message: Mapping[str, Any]) -> int:
    """Return the weight of a message, not reduced; absent fields are null."""
    return sum(
        TERMS[field.name].of(_number(field, message)) for field in CONTENT_FIELDS if message.get(field.name) is not None
    )


def digest_of(receipt: Mapping[str, Any], events: Iterable[Mapping[str, Any]] = (), content: int = 0) -> int:
    """Return the digest of a receipt, which is below ``DIGEST_MODULUS``.

    Args:
        receipt: The message; a digest in it is ignored.
        events: The messages of the events that it counts.
        content: What further events add, if that is known already.
    """
    keys = mixed_keys(receipt["of_event_type"], receipt["run_id"], receipt["venue_id"])
    return (keys + content + sum(mix(weight_of(message)) for message in (receipt, *events))) % DIGEST_MODULUS


def _number(field: Field, message: Mapping[str, Any]) -> int:
    value = message[field.name]
    if field.name == "event_id":
        return number_of_event_id(value, message["run_id"], message["venue_id"])
    return number_of_text(value) if field.kind == "string" else int(value)
