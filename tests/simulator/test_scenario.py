import time
from dataclasses import replace
from itertools import islice

import pytest

from simulator.distributions import MINUTE_US, Exponential, Normal, Streams
from simulator.exceptions import ScenarioError
from simulator.scenario import PARAMETERS, built_in_names, load_scenario


@pytest.fixture
def from_file(tmp_path):
    def load(text, name="mine"):
        file = tmp_path / f"{name}.toml"
        file.write_text(text)
        return load_scenario(str(file))

    return load


def test_the_original_has_the_parameters_of_the_published_model():
    original = load_scenario("original")

    assert original.minutes_between_buses == Exponential(3)
    assert original.bus_occupancy == Normal(100, 30)
    assert original.group_size == Normal(2.25, 0.5)
    assert original.box_office_share == 0.4
    assert (original.walk_to_sellers_minutes, original.walk_to_scanners_minutes) == (Normal(1, 0.1), Normal(0.5, 0.05))
    assert (original.sellers, original.sale_minutes) == (6, Normal(1, 0.2))
    assert (original.scanners, original.scan_minutes) == (4, Normal(0.05, 0.01))
    assert not original.one_line


def test_the_built_in_scenarios_are_there_and_described():
    assert set(built_in_names()) >= {
        "original",
        "published",
        "four-sellers-two-scanners",
        "six-sellers-four-scanners",
        "six-sellers-four-scanners-one-line",
        "ten-sellers-five-scanners",
        "stable",
    }
    assert len({load_scenario(name).description for name in built_in_names()}) == len(built_in_names())


@pytest.mark.parametrize(
    ("name", "sellers", "scanners", "one_line"),
    [
        ("four-sellers-two-scanners", 4, 2, False),
        ("six-sellers-four-scanners-one-line", 6, 4, True),
        ("ten-sellers-five-scanners", 10, 5, False),
    ],
)
def test_a_variant_is_the_published_program_with_other_staff(name, sellers, scanners, one_line):
    variant, published = load_scenario(name), load_scenario("published")

    changed = replace(published, sellers=sellers, scanners=scanners, one_line=one_line)
    assert variant.content() == changed.content() != published.content()


def test_the_published_program_is_the_original_with_walks_that_differ_more():
    published, original = load_scenario("published"), load_scenario("original")
    walks = (published.walk_to_sellers_minutes, published.walk_to_scanners_minutes)
    assert walks == (Normal(1, 0.25), Normal(0.5, 0.1))
    assert original == replace(
        published,
        name="original",
        description=original.description,
        walk_to_sellers_minutes=original.walk_to_sellers_minutes,
        walk_to_scanners_minutes=original.walk_to_scanners_minutes,
    )


def test_a_file_may_start_from_a_built_in_and_bears_its_own_name(from_file):
    mine = from_file('base = "stable"\nsellers = 9\ndescription = "d"', name="my-venue")

    assert mine == replace(load_scenario("stable"), sellers=9, description="d", name="my-venue")


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("cashiers = 3", ["cashiers", "3", *PARAMETERS]),
        ("sellers = 0", ["sellers", "0", "1"]),
        ("sellers = -2", ["sellers", "-2"]),
        ("sellers = 2.5", ["sellers", "2.5", "whole number"]),
        ("sellers = true", ["sellers", "True"]),
        ('scanners = "four"', ["scanners", "four"]),
        ("box_office_share = 1.5", ["box_office_share", "1.5", "from 0 to 1"]),
        ("box_office_share = nan", ["box_office_share", "nan"]),
        ("ticket_price_cents = -1", ["ticket_price_cents", "-1"]),
        ("one_line = 1", ["one_line", "1", "true or false"]),
        ('description = ""', ["description"]),
        ("sale_minutes = 1.0", ["sale_minutes", "1.0", "distribution"]),
        ('sale_minutes = { distribution = "gamma", mean = 1.0 }', ["sale_minutes.distribution", "gamma", "normal"]),
        ('sale_minutes = { distribution = "normal", mean = 1.0 }', ["missing", "sale_minutes.sd"]),
        ('sale_minutes = { distribution = "normal", mean = -1.0, sd = 1 }', ["sale_minutes.mean", "-1.0"]),
        ('sale_minutes = { distribution = "normal", mean = 0, sd = 1 }', ["sale_minutes.mean", "0", "from 1e-06"]),
        ('sale_minutes = { distribution = "normal", mean = 1, sd = -1 }', ["sale_minutes.sd", "-1"]),
        ('sale_minutes = { distribution = "normal", mean = inf, sd = 1 }', ["sale_minutes.mean", "inf"]),
        ('scan_minutes = { distribution = "exponential", mean = 1, sd = 1 }', ["scan_minutes.sd", "exponential"]),
        ('group_size = { distribution = "normal", mean = 0.5, sd = 1 }', ["group_size.mean", "0.5", "from 1"]),
        ('bus_occupancy = { distribution = "normal", mean = 1e9, sd = 1 }', ["bus_occupancy.mean", "1000000000.0"]),
        ('scan_minutes = { distribution = "normal", mean = 1e-9, sd = 0 }', ["scan_minutes.mean", "1e-09", "1e-06"]),
        ('scan_minutes = { distribution = "exponential", mean = 1e-300 }', ["scan_minutes.mean", "1e-300", "1e-06"]),
        ('sale_minutes = { distribution = "exponential", mean = 1e300 }', ["sale_minutes.mean", "1e+300", "10080"]),
        ('sale_minutes = { distribution = "normal", mean = 1, sd = nan }', ["sale_minutes.sd", "nan"]),
        ('sale_minutes = { distribution = "normal", mean = 1, sd = 1e9 }', ["sale_minutes.sd", "10080"]),
        ('sale_minutes = { distribution = ["normal"], mean = 1, sd = 1 }', ["sale_minutes.distribution", "['normal']"]),
        (
            'sale_minutes = { distribution = "normal", mean = 1' + "0" * 400 + ", sd = 1 }",
            ["sale_minutes.mean", "10080"],
        ),
        ("sellers = 0x1" + "0" * 9000, ["sellers", "thousands of digits", "10000"]),
        ("walk_to_sellers_minutes = 0x1" + "0" * 9000, ["walk_to_sellers_minutes", "thousands of digits"]),
        ('minutes_between_buses = { distribution = "exponential", mean = 1e-9 }', ["minutes_between_buses.mean"]),
        (
            'minutes_between_buses = { distribution = "exponential", mean = 1e-6 }',
            ["minutes_between_buses.mean = 1e-06 with bus_occupancy.mean = 100", "messages an hour", "10,000,000"],
        ),
        ('bus_occupancy = { distribution = "exponential", mean = 3000 }', ["bus_occupancy.mean = 3000.0", "120,000"]),
        ('bus_occupancy = { distribution = "normal", mean = 1, sd = 20000 }', ["bus_occupancy.sd = 2", "160,001"]),
        ('group_size = { distribution = "normal", mean = 2, sd = 1e5 }', ["group_size.sd", "draws up to 800,002"]),
        (f"bus_rate_by_hour = {[1e-300] * 24}", ["bus_rate_by_hour[0] = 1e-300", "0.0001", "or 0"]),
        (f"bus_rate_by_hour = {[1] * 23 + ['x']}", ["bus_rate_by_hour[23]", "'x'"]),
        (f"bus_rate_by_hour = {[1] * 23}\nsellers = 1", ["bus_rate_by_hour", "24 numbers"]),
        (
            f"bus_rate_by_hour = {[0.001] * 24}\n"
            'minutes_between_buses = { distribution = "exponential", mean = 100 }',
            ["bus_rate_by_hour = 0.001", "minutes_between_buses.mean = 100", "100000 minutes", "10080"],
        ),
        ("[[venue_kinds]]\n" * 1001, ["venue_kinds", "1,001", "1000"]),
    ],
)
def test_an_impossible_parameter_is_refused_by_name_and_value(from_file, line, named):
    with pytest.raises(ScenarioError) as refusal:
        from_file(f'base = "original"\n{line}')

    for part in [*named, "mine.toml"]:
        assert part in str(refusal.value)


def test_a_file_without_a_base_must_set_everything(from_file):
    with pytest.raises(ScenarioError, match=r"missing parameter minutes_between_buses, .*base"):
        from_file('description = "d"\nsellers = 3')


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = " + "[" * 100_000, "nested too deeply"),
        ("x" + ".x" * 100_000 + " = 1", "nested too deeply"),
        ("[x" + ' . "x"' * 100_000 + "]", "nested too deeply"),
        ("y = {x" + ".x" * 100_000 + " = 1}", "nested too deeply"),
        ("sellers = " + "9" * 5000, "not valid TOML"),
        ('description = "' + "x" * 2**20 + '"', "more than 1,048,576 bytes"),
        ("sellers = ", "not valid TOML"),
        ('base = "nothing"', "'nothing' is not built in .*original"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused(from_file, text, said):
    with pytest.raises(ScenarioError, match=said):
        from_file(text)


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ScenarioError, match=r"no scenario 'orginal'.*original, .*stable"):
        load_scenario("orginal")


def test_a_file_name_that_would_spoil_run_ids_is_refused(from_file):
    with pytest.raises(ScenarioError, match="'my venue' becomes part of run ids"):
        from_file('base = "original"', name="my venue")


def test_the_longest_file_name_that_leaves_room_in_run_ids_is_told(from_file):
    assert from_file('base = "original"', name="n" * 64).name == "n" * 64
    with pytest.raises(ScenarioError, match="at most 64 characters"):
        from_file('base = "original"', name="n" * 65)
    with pytest.raises(ScenarioError, match="File name too long"):
        load_scenario("n" * 300)


@pytest.mark.parametrize(
    "form",
    [
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\n", b"\r"),
        lambda text: b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"),
    ],
    ids=["byte order mark", "Windows", "old Mac", "Windows' byte order mark"],
)
def test_a_file_is_the_same_scenario_whatever_editor_saved_it(form, tmp_path):
    text = 'base = "stable"\nsellers = 9\ndescription = "naïve"\n'.encode()
    file = tmp_path / "mine.toml"
    file.write_bytes(form(text))

    assert load_scenario(str(file)) == replace(load_scenario("stable"), sellers=9, description="naïve", name="mine")


@pytest.mark.parametrize("content", ["a = 1".encode("utf-16"), b'description = "\xe9"'], ids=["utf-16", "latin-1"])
def test_a_file_that_is_not_utf8_is_refused_with_the_byte(content, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_bytes(content)

    with pytest.raises(ScenarioError, match=r"Cannot read scenario file .*mine\.toml: 'utf-8' codec .* position"):
        load_scenario(str(file))


@pytest.mark.parametrize(
    "line",
    [
        'scan_minutes = { distribution = "normal", mean = 1e-6, sd = 0 }',
        'scan_minutes = { distribution = "normal", mean = 1e-6, sd = 10080 }',
        'scan_minutes = { distribution = "exponential", mean = 1e-6 }',
        'bus_occupancy = { distribution = "normal", mean = 1, sd = 12000 }',
        'group_size = { distribution = "exponential", mean = 2500 }',
    ],
)
def test_at_its_bounds_a_scenario_draws_at_once(from_file, line):
    name = line.partition(" ")[0]
    distribution = getattr(from_file(f'base = "original"\n{line}'), name)
    unit = MINUTE_US if name == "scan_minutes" else 1
    draws = Streams(7, 1).whole_numbers("s", distribution, unit=unit)
    started = time.process_time()
    assert min(islice(draws, 100_000)) >= 1
    assert time.process_time() - started < 1
