"""Templates of messages: the texts between their numbers, cut out of messages that ``simulator.encoding`` writes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulator.arrivals import BOX_OFFICE, ONLINE
from simulator.digest import TERMS, WEIGHT_MODULUS, number_of_text
from simulator.encoding import about_bus, about_members, about_party, about_sale, activity_form
from simulator.events import ACTIVITY_TYPES, CHANNELS, SCHEMA_VERSION, EventType, fields_of
from simulator.fast.memory import PIECE
from simulator.fast.numbers import MOST_DIGITS
from simulator.fast.tables import Rows

#: The numbers of a message's second half, in the order of their places in ``values`` of the encoder.
VALUES: Final = ("arrived_at", "bus_id", "group_id", "first_visitor_id", "party_size", "line", "amount_cents")

ARRIVED_AT, BUS_ID, GROUP_ID, FIRST_VISITOR, PARTY_SIZE, LINE, AMOUNT = range(len(VALUES))

#: The slot after a message's last text.
NONE: Final = -1

#: What stands in the place of each in a message that is cut: numbers that occur nowhere else in it.
_MARKS: Final = tuple(1_234_567_890_120 + place for place in range(len(VALUES)))

#: Channels of a group in the order of its ``buys``, 0 or 1.
_CHANNELS: Final = (ONLINE, BOX_OFFICE)

_TO_SCANNERS: Final = (EventType.WALK_TO_SCANNER, EventType.WAIT_IN_SCANNER_LINE, EventType.SCAN_TICKETS)


@dataclass(frozen=True, slots=True)
class Templates:
    """Templates of the messages of several venues; a text's row holds where it begins and its length.

    A message is the first text of its venue and kind, its sequence number, the second text, ``event_time``, the third,
    ``started_at``; then come the texts of its kind and channel, each followed by the value of ``slots``, but the last.
    """

    text: Rows  #: all texts, in pieces of ``PIECE`` bytes
    first_texts: Rows  #: by venue, kind and place, three each
    second_texts: Rows  #: by kind and channel, in the order of ``bounds``
    slots: Rows  #: the values after them; ``NONE`` after a message
    bounds: Rows  #: the first row of each kind and channel, and of the one after
    longest: int  #: bytes of the longest message and the meaningless ones behind it


def templates_of(venues: Sequence[tuple[str, str]]) -> Templates:
    """Build the templates of venues, of each the run's id and its own."""
    texts = _Texts()
    first_texts = [
        [[texts.add(text) for text in activity_form(kind, *names).split(b"%d")[:3]] for kind in ACTIVITY_TYPES]
        for names in venues
    ]
    second_texts, slots, bounds, lengths = [], [], [0], []
    for kind in ACTIVITY_TYPES:
        end = activity_form(kind, "", "").split(b"%d")[3]
        for channel in _CHANNELS:
            second = end % _second_half(kind, channel) + b"\n"
            cut = re.split(rb"(%b)" % b"|".join(b"%d" % mark for mark in _MARKS), second)
            second_texts += [texts.add(text) for text in cut[::2]]
            slots += [*(_MARKS.index(int(mark)) for mark in cut[1::2]), NONE]
            bounds.append(len(slots))
            lengths.append(len(second))
    longest_first = max((len(activity_form(kind, *names)) for names in venues for kind in ACTIVITY_TYPES), default=0)
    return Templates(
        text=np.frombuffer(b"".join(texts.parts), np.uint8),
        first_texts=np.array(first_texts, np.int64).reshape(len(venues), len(ACTIVITY_TYPES), 3, 2),
        second_texts=np.array(second_texts, np.int64),
        slots=np.array(slots, np.int64),
        bounds=np.array(bounds, np.int64),
        longest=longest_first + max(lengths) + MOST_DIGITS * (3 + len(VALUES)) + PIECE,
    )


class _Texts:
    """Texts that are collected, each in whole pieces."""

    def __init__(self) -> None:
        self.parts: Final[list[bytes]] = []
        self._places: Final[dict[bytes, tuple[int, int]]] = {}
        self._size = 0

    def add(self, text: bytes) -> tuple[int, int]:
        """Add a text, if it is a new one; return where it begins, and its length."""
        if text not in self._places:
            padded = text.ljust(-(-max(len(text), 1) // PIECE) * PIECE)
            self._places[text] = self._size, len(text)
            self.parts.append(padded)
            self._size += len(padded)
        return self._places[text]


def _second_half(kind: EventType, channel: str) -> bytes:
    """Write the second half of a message in which every number is a mark."""
    arrived_at, bus_id, group_id, first_visitor, party_size, line, amount = _MARKS
    if kind is EventType.BUS_ARRIVAL:
        return about_bus(arrived_at, bus_id, first_visitor, party_size)[0]
    if kind in _TO_SCANNERS:
        [(text, _, _)] = about_members((arrived_at, bus_id, group_id, first_visitor, 1, channel), line)
        return text
    party = about_party((arrived_at, bus_id, group_id, first_visitor, party_size, channel), line)
    return (about_sale(party, amount) if kind is EventType.BUY_TICKETS else party)[0]


#: What the numbers of a message are multiplied by in its weight; see ``simulator.digest``.
FACTORS: Final = tuple(TERMS[name].factor for name in VALUES)
FACTOR_OF_NUMBER: Final = TERMS["event_id"].factor
FACTOR_OF_END: Final = TERMS["event_time"].factor
FACTOR_OF_START: Final = TERMS["started_at"].factor


def offsets() -> Rows:
    """Return what every message of a kind and channel has in its weight."""
    return np.array([[_offset(kind, channel) for channel in _CHANNELS] for kind in ACTIVITY_TYPES], np.int64)


def _offset(kind: EventType, channel: str) -> int:
    constants = {"schema_version": SCHEMA_VERSION, "channel": number_of_text(channel)}
    if kind in _TO_SCANNERS:
        constants["party_size"] = 1
    known = {"event_id", "event_time", "started_at", *VALUES}
    terms = [(TERMS[field.name], field.name) for field in fields_of(kind) if field.name in {*constants, *known}]
    return sum(term.of(constants.get(name, 0)) for term, name in terms) % WEIGHT_MODULUS


assert set(_CHANNELS) == set(CHANNELS)  # noqa: S101 - a group's ``buys`` says which
