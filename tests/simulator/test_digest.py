"""The digest of a receipt: what the simulator calculates is what the definition says, and what it notices."""

from collections import defaultdict
from itertools import combinations, product

import pytest

from simulator.digest import CONTENT_FIELDS, DIGEST, DIGEST_MODULUS, KEYS, MAX_FACTOR, TERMS, WEIGHT_MODULUS, digest_of
from simulator.events import ACTIVITY_TYPES, FIELDS, fields_of, hour_start_us

OTHER = {"string": "another", "int": 123_456, "time": 1_772_323_200_000_001, "bool": True}


def by_receipt(messages):
    """Pairs of a receipt and the events that it counts."""
    events = defaultdict(list)
    for message in messages:
        events[message["venue_id"], hour_start_us(message["event_time"]), message["event_type"]].append(message)
    receipts = [message for message in messages if message["event_type"] == "hour_closed"]
    return [(r, events[r["venue_id"], r["hour_start"], r["of_event_type"]]) for r in receipts]


@pytest.fixture(scope="module")
def counted():
    """An hour of sales and their receipt."""
    shared = {"schema_version": 1, "run_id": "r-1", "venue_id": "v", "arrived_at": 1_772_323_200_000_000}
    sales = [
        shared
        | {"event_type": "buy_tickets", "event_id": f"r-1-v-{n}", "event_time": 1_772_323_260_000_000 + 7 * n}
        | {"started_at": 1_772_323_250_000_000 + n * n, "bus_id": n // 3, "group_id": n, "first_visitor_id": 2 * n}
        | {"party_size": 1 + n % 2, "channel": "box_office", "line": 1 + n % 6, "amount_cents": 3500 * (1 + n % 2)}
        for n in range(1, 20)
    ]
    receipt = shared | {
        **{"event_type": "hour_closed", "event_id": "r-1-v-20", "event_time": 1_772_326_799_999_999},
        **{"hour_start": 1_772_323_200_000_000, "started_at": 1_772_323_200_000_000, "of_event_type": "buy_tickets"},
        **{"event_count": len(sales), "duration_us": 1, "run_venues": 1, "final": True},
    }
    return receipt, sales


@pytest.mark.parametrize("scenario", ["original", "six-sellers-four-scanners-one-line", "festival"])
def test_every_receipt_of_a_run_has_the_digest_of_its_events_and_of_itself(ran, scenario):
    pairs = by_receipt(ran(scenario, venues=2, hours=2.3).messages)

    assert any(events for _, events in pairs)
    assert [receipt["digest"] for receipt, _ in pairs] == [digest_of(receipt, events) for receipt, events in pairs]
    assert len({receipt["digest"] for receipt, _ in pairs}) == len(pairs)


def test_every_field_of_every_type_is_part_of_the_digest(counted):
    receipt, sales = counted
    expected = digest_of(receipt, sales)
    assert {*KEYS, DIGEST, *(field.name for field in CONTENT_FIELDS)} == {field.name for field in FIELDS}
    for field in CONTENT_FIELDS:
        for value in (OTHER[field.kind], None):
            if sales[4].get(field.name) != value:
                changed = [*sales[:4], sales[4] | {field.name: value}, *sales[5:]]
                assert digest_of(receipt, changed) != expected, field
            if receipt.get(field.name) != value and (field.name, value) != ("of_event_type", None):
                assert digest_of(receipt | {field.name: value}, sales) != expected, field
    for key in ("of_event_type", "run_id", "venue_id"):
        assert digest_of(receipt | {key: "another"}, sales) != expected
    assert all(field.name in TERMS for kind in ACTIVITY_TYPES for field in fields_of(kind))


def test_the_order_of_events_and_a_digest_that_is_there_already_change_nothing(counted):
    receipt, sales = counted
    assert digest_of(receipt | {DIGEST: 5}, reversed(sales)) == digest_of(receipt, sales)


def test_a_field_exchanged_between_two_events_changes_the_digest(counted):
    receipt, sales = counted
    expected = digest_of(receipt, sales)
    for field in fields_of(ACTIVITY_TYPES[3]):
        for one, other in combinations(range(6), 2):
            changed = [dict(sale) for sale in sales]
            changed[one][field.name], changed[other][field.name] = sales[other][field.name], sales[one][field.name]
            assert (digest_of(receipt, changed) == expected) == (changed == sales), field


def test_an_event_replaced_by_a_copy_of_another_changes_the_digest(counted):
    receipt, sales = counted
    assert digest_of(receipt, [*sales[1:], sales[5]]) != digest_of(receipt, sales)


def test_changes_that_cancel_each_other_in_sums_change_the_digest(counted):
    receipt, sales = counted
    lines = [dict(sale) for sale in sales]
    for at, change in ((3, 1), (4, -2), (5, 1)):
        lines[at]["line"] += change
    assert digest_of(receipt, lines) != digest_of(receipt, sales)


@pytest.mark.parametrize("sequence", ["07", "", "x", "1e2", "+7", "7" * 40])
def test_an_event_id_that_is_written_in_another_way_is_another(counted, sequence):
    receipt, sales = counted
    changed = [sales[0] | {"event_id": f"r-1-v-{sequence}"}, *sales[1:]]
    same = [sales[0] | {"event_id": f"r-1-v-{n}"} for n in (7, 100)]
    digests = {digest_of(receipt, [event, *sales[1:]]) for event in [*same, changed[0], sales[0]]}
    assert len(digests) == 4


def test_a_field_of_a_later_release_that_is_null_leaves_a_digest_as_it_is(counted):
    receipt, sales = counted
    assert digest_of(receipt, [sale | {"servers": None} for sale in sales]) == digest_of(receipt, sales)


def test_small_changes_of_several_fields_of_one_event_do_not_cancel_each_other():
    steps = [step for step in range(-4, 5) if step]
    numbers = [field.name for field in CONTENT_FIELDS if field.kind != "string"]
    factors = {name: TERMS[name].factor for name in ("event_id", *numbers)}
    for fields in (*combinations(factors, 1), *combinations(factors, 2), *combinations(factors, 3)):
        for changes in product(steps, repeat=len(fields)):
            change = sum(factors[field] * by for field, by in zip(fields, changes, strict=True))
            assert change % WEIGHT_MODULUS, (fields, changes)


def test_every_step_fits_into_63_bits():
    assert max(abs(term.factor) for term in TERMS.values()) < MAX_FACTOR
    assert 7 * (MAX_FACTOR * WEIGHT_MODULUS + WEIGHT_MODULUS) < 2**63
    assert WEIGHT_MODULUS**2 < 2**63
    assert len({(term.factor, term.offset) for term in TERMS.values()}) == len(TERMS)
    assert DIGEST_MODULUS * 8_000_000 < 2**63
