"""Scenario files and event logs of all kinds: used or refused in a sentence, never a traceback or a hang."""

import gzip
import json
import tempfile
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.chaos import parse_chaos
from simulator.distributions import MINUTE_US, Streams
from simulator.exceptions import ChaosError, EventLogRefused, RunError, ScenarioError, TargetError
from simulator.planning.rush import rushes
from simulator.planning.target import checked_target
from simulator.replay import open_event_log, plan_replay
from simulator.run import plan_run
from simulator.scenario import PARAMETERS, load_scenario
from simulator.utilisation import utilisation

from .replay.conftest import PublishedModel

BOUNDED = settings(
    max_examples=100,
    deadline=timedelta(seconds=20),  # a hang is one; busy machines are not
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

#: Seconds of CPU that one input may take.
MOST_CPU_S = 3

NUMBERS = st.one_of(
    st.sampled_from(["0", "-0.0", "1e-300", "5e-324", "1e-9", "1e-6", "1e300", "1e400", "nan", "inf", "-inf", "-1"]),
    st.sampled_from(["1", "0x1", "10080", "100000"]),
    st.builds("{}{:0{}}".format, st.sampled_from(["1", "0x1"]), st.just(0), st.sampled_from([400, 5000])),
    st.sampled_from(['"1"', "true", "[]", "{}", "1979-05-27"]),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-10, 200).map(str),
)

DISTRIBUTIONS = st.one_of(
    st.builds('{{ distribution = "normal", mean = {}, sd = {} }}'.format, NUMBERS, NUMBERS),
    st.builds('{{ distribution = "exponential", mean = {} }}'.format, NUMBERS),
    NUMBERS,
)

LINES = st.one_of(
    st.builds("{} = {}".format, st.sampled_from(PARAMETERS), st.one_of(NUMBERS, DISTRIBUTIONS)),
    st.builds(
        "{} = {}".format,
        st.sampled_from([name for name in PARAMETERS if name.endswith("_minutes") or name == "minutes_between_buses"]),
        DISTRIBUTIONS,
    ),
    st.builds("bus_rate_by_hour = [{}]".format, st.lists(NUMBERS, min_size=24, max_size=24).map(", ".join)),
)

LOG = json.dumps(PublishedModel(5).run(12)).encode()


@contextmanager
def soon(*refusals):
    """Accept these errors, with a sentence; fail if it takes much CPU."""
    began = time.process_time()
    try:
        yield
    except refusals as refusal:
        said = str(refusal)
    else:
        said = ""
    assert time.process_time() - began < MOST_CPU_S
    assert len(said) < 1000


@contextmanager
def a_file(content, name="odd.toml"):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        yield path


def use(scenario):
    """What `simulate` and `plan` do first, and the first draws of all that they draw."""
    for rush in rushes(scenario):
        utilisation(rush.scenario)
    for kind in scenario.kinds:
        for minutes in (kind.minutes_between_buses, kind.sale_minutes, kind.scan_minutes, kind.walk_to_sellers_minutes):
            assert next(Streams(7, 1).whole_numbers("any", minutes, unit=MINUTE_US)) >= 1
        for people in (kind.bus_occupancy, kind.group_size):
            assert 1 <= next(Streams(7, 1).whole_numbers("any", people)) <= 100_000
    plan_run(scenario, hours=1, pace=1.0)


@BOUNDED
@given(st.lists(LINES, min_size=1, max_size=3, unique_by=lambda line: line.partition(" ")[0]))
def test_a_scenario_of_any_numbers_is_used_or_refused_by_name(lines):
    text = "\n".join(['base = "original"', *lines])
    with soon(ScenarioError), a_file(text.encode()) as path:
        use(load_scenario(str(path)))


@BOUNDED
@given(
    st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
)
def test_a_scenario_file_of_anything_is_refused_in_a_sentence(content):
    with soon(), a_file(content) as path, pytest.raises(ScenarioError, match=r"odd\.toml"):
        load_scenario(str(path))


@BOUNDED
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "seed": st.integers(),
            "hours": st.floats(),
            "pace": st.floats(),
            "venues": st.integers(),
            "venue_offset": st.integers(),
            "run_venues": st.integers(),
            "start": st.datetimes(timezones=st.timezones()),
            "run_id": st.text(max_size=120),
        },
    )
)
def test_a_run_of_any_numbers_is_planned_or_refused(options):
    with soon(RunError):
        assert 1 <= plan_run(load_scenario("original"), **options).venues <= 1000


@BOUNDED
@given(
    st.floats(), st.floats(), st.text(alphabet="duplicates=late:corruptreorder,0123456789.e-+infa mhsd", max_size=40)
)
def test_targets_and_faults_of_anything_are_accepted_or_refused(wait_s, percentile, chaos):
    with soon(TargetError):
        assert 0 < checked_target(wait_s, percentile).percentile < 100
    with soon(ChaosError):
        parse_chaos(chaos)


@st.composite
def damaged_logs(draw):
    """A published log of which some bytes are missing, doubled, or replaced by others; sometimes compressed."""
    content = LOG
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(0, len(content)))
        end = min(len(content), begin + draw(st.integers(0, 200)))
        other = draw(
            st.one_of(
                st.binary(max_size=20),
                st.sampled_from(
                    [b"NaN", b"1e999", b"9" * 30, b"-1", b"null", b"[" * 200, b"{}", b'"\\ud800"', b"\xff"]
                ),
                st.just(content[begin:end] * 2),
            )
        )
        content = content[:begin] + other + content[end:]
    if draw(st.booleans()):
        content = gzip.compress(content, 1, mtime=0)
        if draw(st.booleans()):
            at = draw(st.integers(0, len(content) - 1))
            content = content[:at] + draw(st.binary(max_size=3)) + content[at + 1 :]
    return content


@BOUNDED
@given(st.one_of(damaged_logs(), st.binary(max_size=300)), st.datetimes(timezones=st.timezones()) | st.none())
def test_a_log_of_anything_is_replayed_or_refused_with_its_place(content, start):
    with soon(EventLogRefused, RunError), a_file(content, "odd.json") as path, open_event_log(path) as log:
        assert sum(1 for _ in log.activities()) == log.events
        plan_replay(log, start=start)
