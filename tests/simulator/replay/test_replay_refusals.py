import json
from itertools import combinations

import pytest

from simulator.exceptions import EventLogRefused
from simulator.replay import open_event_log

BUS = {"event": "BUS_ARRIVAL", "time": 1.0, "busId": 0, "peopleCreated": [0, 1, 2, 3]}
OTHER_BUS = BUS | {"busId": 1, "peopleCreated": [4, 5]}
WALK = {"event": "WALK_TO_SELLER", "people": [0, 1], "sellerLine": 1, "time": 1.0, "duration": 0.5}
BUY = WALK | {"event": "BUY_TICKETS"}
SCAN = {"event": "SCAN_TICKETS", "person": 0, "scannerLine": 1, "time": 3.0, "duration": 0.05}


def without(event, key):
    return {name: value for name, value in event.items() if name != key}


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (7, "found 7, expected an object"),
        ([SCAN], "found a list, expected an object"),
        (without(SCAN, "event"), "'event' is missing, expected one of BUS_ARRIVAL, "),
        (SCAN | {"event": "scan_tickets"}, "'event' is 'scan_tickets', expected one of"),
        (SCAN | {"event": ["SCAN_TICKETS"]}, "'event' is .'SCAN_TICKETS'., expected one of"),
        (without(SCAN, "duration"), "'duration' is missing, expected in every SCAN_TICKETS"),
        (SCAN | {"seat": 3}, "'seat' is 3, but a SCAN_TICKETS has only duration, event, person"),
        (SCAN | {"a\x1b[1mb": 3}, r"'a\\x1b.1mb' is 3, but a SCAN_TICKETS has only"),
        ({str(n): n for n in range(30)}, "it has more than 20 keys"),
        (SCAN | {"time": "3"}, "'time' is '3', expected minutes"),
        (SCAN | {"time": -0.01}, "'time' is -0.01, expected minutes from 0"),
        (SCAN | {"time": True}, "'time' is True, expected minutes"),
        (SCAN | {"duration": -0.01}, "'duration' is -0.01, expected minutes from 0"),
        (SCAN | {"duration": 1e300}, "'duration' is 1e.300, expected minutes"),
        (SCAN | {"duration": None}, "'duration' is None, expected minutes"),
        (SCAN | {"duration": {"minutes": 3}}, "'duration' is an object, expected a plain value"),
        (SCAN | {"scannerLine": 0}, "'scannerLine' is 0, .* lines count from 1"),
        (SCAN | {"scannerLine": 1.0}, "'scannerLine' is 1.0, expected a whole number"),
        (SCAN | {"scannerLine": 5}, "'scannerLine' is 5, expected at most 4, which is 'scannerLines'"),
        (WALK | {"sellerLine": 7}, "'sellerLine' is 7, expected at most 6"),
        (SCAN | {"person": [0]}, "'person' is .0., expected a whole number from 0"),
        (SCAN | {"person": -1}, "'person' is -1, expected a whole number from 0"),
        (SCAN | {"person": 2**60}, "'person' is .*, expected a whole number from 0"),
        (SCAN | {"person": 99}, "person 99 has arrived on no bus"),
        (SCAN | {"time": 0.99}, "'time' is before the bus of person 0 arrived"),
        (WALK | {"people": []}, "'people' is .., expected at least one person"),
        (WALK | {"people": 3}, "'people' is 3, expected a list"),
        (WALK | {"people": [0, "1"]}, "'people' is .0, '1'., expected a list of whole numbers"),
        (WALK | {"people": [0, [1]]}, "'people' holds a list"),
        (WALK | {"people": [2, 2]}, "'people' names person 2 twice"),
        (WALK | {"people": [2, 99]}, "person 99 has arrived on no bus"),
        (WALK | {"people": [3, 4]}, "'people' from 3 to 4 came on different buses"),
        (WALK | {"people": list(range(100_001))}, "'people' has more than 100000 values"),
        (BUY | {"people": [0]}, "'people' are not those of event 3"),
        (BUY | {"people": [0, 2]}, "'people' are not those of event 3"),
        (BUY | {"people": [0, 1, 2]}, "'people' are not those of event 3"),
        (WALK, "person 0 did the same before"),
        (BUS | {"peopleCreated": [9]}, "'busId' is 0, which has arrived before"),
        (BUS | {"busId": 2, "peopleCreated": [8, 5]}, "person 5 is in 'peopleCreated', but has arrived before"),
        (BUS | {"busId": 2.5}, "'busId' is 2.5, expected a whole number"),
    ],
)
def test_an_event_of_another_shape_is_refused_with_its_number_and_place(event, said, written):
    events = [BUS, OTHER_BUS, WALK, SCAN | {"person": 2}, event, SCAN | {"person": 3}]
    path = written({"sellerLines": 6, "scannerLines": 4, "events": events})

    with pytest.raises(EventLogRefused, match=rf"events.json, event 5 at byte \d+: .*{said}") as refused:
        read(path)

    assert refused.value.event == 5
    if isinstance(event, dict):
        assert path.read_bytes()[refused.value.byte :].startswith(json.dumps(event).encode())


def test_the_place_of_an_event_is_exact_far_into_a_file_too(written):
    people = list(range(3000))
    events = [BUS | {"peopleCreated": people}, *(SCAN | {"person": person} for person in people)]
    events[2500] = wrong = events[2500] | {"duration": -1}
    path = written({"sellerLines": 6, "scannerLines": 4, "events": events})

    with pytest.raises(EventLogRefused, match="event 2501") as refused:
        read(path)

    assert refused.value.byte > 2 * 64 * 1024
    assert path.read_bytes()[refused.value.byte :].startswith(json.dumps(wrong).encode())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "found a list, expected an object with events, sellerLines, scannerLines"),
        ("3", "found 3, expected an object"),
        ('{"sellerLines": 6, "scannerLines": 4}', "'events' is missing"),
        ('{"sellerLines": 6, "events": []}', "'scannerLines' is missing"),
        ('{"scannerLines": 6, "events": []}', "'sellerLines' is missing"),
        ('{"sellerLines": 0, "scannerLines": 4, "events": []}', "'sellerLines' is 0, expected a whole number from 1"),
        ('{"sellerLines": "6", "scannerLines": 4, "events": []}', "'sellerLines' is '6', expected a whole number"),
        ('{"sellerLines": true, "scannerLines": 4, "events": []}', "'sellerLines' is True"),
        ('{"sellerLines": [], "scannerLines": 4, "events": []}', "'sellerLines' is a list, expected"),
        ('{"sellerLines": 6, "scannerLines": 4, "events": {}}', "'events' is an object, expected a list"),
        ('{"sellerLines": 6, "scannerLines": 4, "events": [], "events": []}', "'events' is given twice"),
        (
            '{"sellerLines": 6, "scannerLines": 4, "events": [], "seed": 3}',
            "found the key 'seed', expected only events",
        ),
        ('{"events": [{"event": "SCAN_TICKETS", "event": 1}]}', "event 1 at byte 12: 'event' is given twice"),
    ],
)
def test_a_log_of_another_shape_is_refused_with_the_key(text, said, written):
    with pytest.raises(EventLogRefused, match=f"events.json.*{said}"):
        read(written(text))


@pytest.mark.parametrize(
    ("text", "byte", "where"),
    [
        ("", 0, "before the first event: .*premature EOF"),
        ("event,time\n", 0, "before the first event: .*invalid"),
        ('{"events": [{"event": "BUS_ARRIVAL", ', 37, "in or after event 1: .*premature EOF"),
        ('{"events": [{"time": NaN}]}', 21, "in or after event 1: "),
        ("{'events': []}", 1, "before the first event: "),
        ('{"sellerLines": 6, "scannerLines": 4, "events": []} x', 52, "after the last event: .*trailing garbage"),
        ('{"sellerLines": 6, "scannerLines": 4, "events": []}{}', 51, "after the last event: .*trailing garbage"),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(text, byte, where, written):
    with pytest.raises(EventLogRefused, match=f"events.json, byte {byte}, .*{where}") as refused:
        read(written(text))

    assert refused.value.byte == byte


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path):
    with pytest.raises(EventLogRefused, match=r"Cannot read the event log .*none\.json: No such file"):
        read(tmp_path / "none.json")


def test_no_temporary_file_outlives_an_error_nor_even_a_kill(tmp_path, monkeypatch, published, written):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("SQLITE_TMPDIR", str(folder))
    log = published(2, 30)

    with open_event_log(written(log)) as whole:
        next(whole.activities())
        assert not list(folder.iterdir())
    log["events"][-1]["time"] = -1
    with pytest.raises(EventLogRefused):
        read(written(log))
    assert not list(folder.iterdir())


#: What a person does, in its order; the walk to the sellers takes minute 1 to 1.5, and so on.
WAY = (
    WALK | {"people": [0]},
    BUY | {"event": "WAIT_IN_SELLER_LINE", "people": [0], "time": 1.5},
    BUY | {"people": [0], "time": 2.0},
    SCAN | {"event": "WALK_TO_SCANNER", "time": 2.5, "duration": 0.5},
    SCAN | {"event": "WAIT_IN_SCANNER_LINE", "time": 3.0, "duration": 0.5},
    SCAN | {"time": 3.5},
)


@pytest.mark.parametrize(("before", "later"), [*combinations(range(6), 2)])
def test_an_activity_before_the_end_of_one_that_precedes_it_is_refused(before, later, written):
    early = WAY[later] | {"time": round(WAY[before]["time"] + WAY[before]["duration"] - 0.02, 2)}
    log = {"sellerLines": 6, "scannerLines": 4, "events": [early, BUS, WAY[before]]}
    said = (
        f"event 1 at byte 49: 'time' is before the {WAY[before]['event']} of person 0 ends, expected that time or later"
    )

    with pytest.raises(EventLogRefused, match=said):
        read(written(log))
    early["time"] = round(early["time"] + 0.01, 2)  # two rounded numbers differ by a hundredth of a minute
    read(written(log))


def test_the_order_of_each_member_of_a_group_is_checked(written):
    people = {"people": [0, 3]}
    events = [BUS, WALK | people, BUY | people | {"time": 1.5}, SCAN | {"time": 1.9}, SCAN | {"person": 3, "time": 1.9}]
    events[3]["time"] = 2.0
    path = written({"sellerLines": 6, "scannerLines": 4, "events": events})

    with pytest.raises(EventLogRefused, match=r"event 5 .*'time' is before the BUY_TICKETS of person 3 ends"):
        read(path)


def read(path):
    with open_event_log(path):
        pass
