"""How long messages take, from times that are known: of a run in real time, and of one that was as fast as possible."""

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby

import dagster as dg
import pytest

from simulator.events import EventType
from streaming.hour import ONE_HOUR, Hour
from ticketsim import latency
from ticketsim.exceptions import NoWarehouse
from ticketsim.latency import Latencies, measure_latencies
from ticketsim.stack.dagster_home import make_instance
from ticketsim_assets.keys import DASHBOARD, RAW_EVENTS
from ticketsim_assets.settings import Settings

from ..ticketsim_assets.conftest import START, LakeMaker, Message, fields, simulated

#: How often the stream of these tests reads, and how long after the last message of that time.
EVERY_US, AFTER = 300_000_000, timedelta(seconds=2)


def shifted(messages: list[Message], by: timedelta) -> list[Message]:
    microseconds = by // timedelta(microseconds=1)
    moved = []
    for topic, value in messages:
        found = fields((topic, value))
        times = {name: found[name] + microseconds for name in ("event_time", "started_at", "arrived_at")}
        moved.append((topic, json.dumps(found | times).encode()))
    return moved


def at_us(message: Message) -> int:
    return fields(message)["event_time"]


def moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1e6, UTC)


@pytest.fixture(scope="module")
def live() -> list[Message]:
    """Activities of a run that began three hours ago."""
    activities = [message for message in simulated(hours=0.5, venues=1, run_id="live") if message[0] != RECEIPTS]
    begin = Hour.containing(datetime.now(UTC)).start - 3 * ONE_HOUR
    return sorted(shifted(activities, begin - START), key=at_us)


RECEIPTS = EventType.HOUR_CLOSED.topic


@pytest.fixture
def maker(tmp_path) -> LakeMaker:
    return LakeMaker(tmp_path / "lake")


@pytest.fixture
def settings(maker) -> Settings:
    return Settings(home=maker.root.parent, bootstrap="127.0.0.1:9")


@pytest.fixture
def instance(settings) -> Iterator[dg.DagsterInstance]:
    make_instance(settings.dagster_home)
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as opened:
        yield opened


def load(instance: dg.DagsterInstance, hours: set[Hour]) -> None:
    for hour in hours:
        instance.report_runless_asset_event(dg.AssetMaterialization(RAW_EVENTS, partition=hour.key))


def read_as_it_comes(maker: LakeMaker, messages: list[Message]) -> list[float]:
    """Append messages as a stream does beside them; return how many seconds each took to the broker."""
    taken = []
    for _, batch in groupby(messages, key=lambda message: at_us(message) // EVERY_US):
        together = list(batch)
        came = moment(at_us(together[-1])) + AFTER
        maker.append(together, at=came)
        taken += [(came - moment(at_us(message))).total_seconds() for message in together]
    return sorted(taken)


def hours_of(messages: list[Message]) -> set[Hour]:
    return {Hour.containing(moment(at_us(message))) for message in messages}


def quantile(values: list[float], part: float) -> float:
    return values[math.ceil(part * len(values)) - 1]


def by_name(found: Latencies) -> dict[tuple[str, str], latency.Latency]:
    return {(each.since, each.station): each for each in (*found.hops, *found.totals)}


def test_of_a_run_in_real_time_every_hop_is_what_the_stations_recorded(maker, settings, instance, live):
    taken = read_as_it_comes(maker, live)
    load(instance, hours_of(live))
    instance.report_runless_asset_event(dg.AssetMaterialization(DASHBOARD))
    found = measure_latencies(settings)
    assert (found.messages, found.left_out, found.other_runs) == (len(live), 0, ())
    assert found.hours == tuple(sorted(hours_of(live)))
    hops = by_name(found)
    assert [hop.station for hop in found.hops] == ["broker", "lake", "warehouse", "page"]
    assert hops["event", "broker"].p50_s == pytest.approx(quantile(taken, 0.5), abs=1e-5)
    assert hops["event", "broker"].p95_s == pytest.approx(quantile(taken, 0.95), abs=1e-5)
    since_start = (datetime.now(UTC) - moment(at_us(live[0]))).total_seconds()
    assert 3600 < hops["broker", "lake"].p50_s < since_start
    assert 0 <= hops["lake", "warehouse"].p50_s < 60
    assert 0 <= hops["warehouse", "page"].p95_s < 60
    assert hops["event", "page"].p50_s > hops["event", "warehouse"].p50_s > hops["event", "lake"].p50_s
    assert all(hop.messages == len(live) for hop in hops.values())


def test_a_run_as_fast_as_possible_begins_at_the_broker_and_is_named(maker, settings, instance, live):
    fast = [m for m in simulated(hours=0.2, venues=1, run_id="fast") if m[0] != RECEIPTS]
    maker.append(fast, at=datetime.now(UTC))
    load(instance, hours_of(fast))
    alone = measure_latencies(settings)
    assert alone.other_runs == ("fast",)
    assert [hop.since for hop in alone.hops] == ["broker", "lake", "warehouse"]
    assert by_name(alone)["broker", "lake"].p95_s < 60
    assert by_name(alone)["warehouse", "page"].messages == 0
    assert by_name(alone)["warehouse", "page"].p50_s is None
    read_as_it_comes(maker, live)
    load(instance, hours_of(live))
    both = measure_latencies(settings, first=min(hours_of(fast)))
    assert both.other_runs == ("fast",)
    assert by_name(both)["event", "broker"].messages == len(live)
    assert by_name(both)["broker", "lake"].messages == len(live) + len(fast)


def test_a_message_that_came_after_a_load_is_counted_by_the_next_one(maker, settings, instance, live):
    maker.append(live[:-10], at=datetime.now(UTC))
    load(instance, hours_of(live))
    maker.append(live[-10:], at=datetime.now(UTC))
    assert by_name(measure_latencies(settings))["lake", "warehouse"].messages == len(live) - 10
    load(instance, hours_of(live))
    assert by_name(measure_latencies(settings))["lake", "warehouse"].messages == len(live)


def test_messages_of_commits_that_are_not_read_any_more_are_left_out_and_counted(
    maker, settings, instance, live, monkeypatch
):
    for batch in (live[:50], live[50:60], live[60:]):
        maker.append(batch, at=datetime.now(UTC))
    load(instance, hours_of(live))
    assert measure_latencies(settings).left_out == 0
    with monkeypatch.context() as patched:
        patched.setattr(latency, "MOST_COMMITS", 1)
        assert measure_latencies(settings).left_out == 50
    maker.table.create_checkpoint()
    (maker.root / "events" / "_delta_log" / f"{0:020}.json").unlink()
    found = measure_latencies(settings)  # between which two commits the second one was is not known any more either
    assert (found.messages, found.left_out) == (len(live) - 60, 60)


def test_what_was_never_loaded_is_said_in_a_sentence(maker, settings, live, run_ticketsim):
    maker.append(live)
    with pytest.raises(NoWarehouse, match="No hour with events was loaded"):
        measure_latencies(settings)
    code, out, err = run_ticketsim("latency", "--json")
    assert (code, out) == (1, "")
    assert err.startswith("error: No hour with events was loaded in that range.")


def test_an_hour_of_nothing_but_receipts_has_no_latency(maker, settings, instance):
    receipts = [message for message in simulated(hours=0.1, venues=1) if message[0] == RECEIPTS]
    maker.append(receipts)
    load(instance, hours_of(receipts))
    with pytest.raises(NoWarehouse, match="No hour with events was loaded"):
        measure_latencies(settings)


def test_the_command_shows_a_line_per_hop_and_the_same_as_json(maker, instance, live, run_ticketsim):
    maker.append(live, at=datetime.now(UTC))
    load(instance, hours_of(live))
    code, out, err = run_ticketsim("latency", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert [(hop["from"], hop["to"]) for hop in told["hops"]] == [
        *(("broker", "lake"), ("lake", "warehouse"), ("warehouse", "page"))
    ]
    assert told["runs_not_in_real_time"] == ["live"]
    code, out, err = run_ticketsim("latency", "--from", str(min(hours_of(live))), "--to", str(max(hours_of(live))))
    assert (code, out) == (0, "")
    assert "their way begins at the broker: runs live" in err
    assert f"{len(live):,} messages of" in err
