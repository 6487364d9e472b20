"""Entries as messages, and what receipts say of them: ``simulator.journal`` for numba."""

from typing import Final

import numpy as np

from simulator.digest import DIGEST_MODULUS, WEIGHT_MODULUS
from simulator.fast.compiled import compiled
from simulator.fast.memory import copy
from simulator.fast.numbers import put_number
from simulator.fast.tables import BUS_ARRIVAL, BUY_TICKETS, SCAN_TICKETS, Rows
from simulator.fast.templates import (
    AMOUNT,
    ARRIVED_AT,
    BUS_ID,
    FACTOR_OF_END,
    FACTOR_OF_NUMBER,
    FACTOR_OF_START,
    FACTORS,
    FIRST_VISITOR,
    GROUP_ID,
    LINE,
    NONE,
    PARTY_SIZE,
    VALUES,
    offsets,
)

_FACTORS: Final = np.array(FACTORS, np.int64)
_OFFSETS: Final = offsets()
_VALUES: Final = len(VALUES)


@compiled
def encode(
    entries: Rows,
    venues: Rows,
    buses: Rows,
    groups: Rows,
    text: Rows,
    first_texts: Rows,
    second_texts: Rows,
    slots: Rows,
    bounds: Rows,
    tallies: Rows,
    sums: Rows,
    lines: Rows,
    ends: Rows,
) -> int:
    """Write the messages of entries, each with a line break behind it, and add them to the receipts' sums.

    Args:
        entries: Rows of ``tables.ENTRY``, of which none closes an hour.
        venues: Rows of ``tables.VENUE``; their sequence numbers are counted on.
        buses: Rows of ``tables.BUS``.
        groups: Rows of ``tables.GROUP``.
        text: See ``templates.Templates``, and so for the four after it.
        first_texts: The texts of first halves.
        second_texts: The texts of second halves.
        slots: The values behind them.
        bounds: Their rows by kind and channel.
        tallies: Rows of ``tables.TALLY`` by venue and kind.
        sums: Rows of ``tables.SUMS`` by venue.
        lines: Where the text is written.
        ends: Where the end of each message in it is written.

    Returns:
        The length of the text.
    """
    at = 0
    values = np.zeros(_VALUES, np.int64)
    for number in range(len(entries)):
        entry = entries[number]
        kind = entry.kind
        venue = venues[entry.venue]
        venue.sequence += 1
        buys = 0
        values[FIRST_VISITOR] = entry.first_visitor
        values[PARTY_SIZE] = entry.people
        if kind == BUS_ARRIVAL:
            values[ARRIVED_AT] = entry.ended
            values[BUS_ID] = buses[entry.group].bus_id
        else:
            group = groups[entry.group]
            buys = group.buys
            values[ARRIVED_AT] = group.arrived_at
            values[BUS_ID] = group.bus_id
            values[GROUP_ID] = group.group_id
            values[LINE] = entry.line
        if kind == BUY_TICKETS:
            values[AMOUNT] = venue.price * entry.people

        firsts = first_texts[entry.venue, kind]
        at = copy(lines, at, text, firsts[0, 0], firsts[0, 1])
        at = put_number(lines, at, venue.sequence)
        at = copy(lines, at, text, firsts[1, 0], firsts[1, 1])
        at = put_number(lines, at, entry.ended)
        at = copy(lines, at, text, firsts[2, 0], firsts[2, 1])
        at = put_number(lines, at, entry.began)
        weight = _OFFSETS[kind, buys] + FACTOR_OF_NUMBER * (venue.sequence % WEIGHT_MODULUS)
        weight += FACTOR_OF_END * (entry.ended % WEIGHT_MODULUS) + FACTOR_OF_START * (entry.began % WEIGHT_MODULUS)
        weight %= WEIGHT_MODULUS
        for row in range(bounds[2 * kind + buys], bounds[2 * kind + buys + 1]):
            at = copy(lines, at, text, second_texts[row, 0], second_texts[row, 1])
            slot = slots[row]
            if slot != NONE:
                at = put_number(lines, at, values[slot])
                weight += _FACTORS[slot] * (values[slot] % WEIGHT_MODULUS)
        ends[number] = at

        weight %= WEIGHT_MODULUS
        duration = entry.ended - entry.began
        tally = tallies[entry.venue, kind]
        tally.count += 1
        tally.duration_us += duration
        tally.companions += entry.people - 1
        tally.companion_us += (entry.people - 1) * duration
        tally.content = (tally.content + weight * weight) % DIGEST_MODULUS
        if kind == BUY_TICKETS:
            sums[entry.venue].revenue_cents += values[AMOUNT]
        elif kind == SCAN_TICKETS:
            sums[entry.venue].time_in_system_us += entry.ended - values[ARRIVED_AT]
    return at
