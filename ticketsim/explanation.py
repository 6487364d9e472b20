"""Where something was lost, over all stations from the receipts to the marts: what ``reconcile --explain`` says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from simulator.events import TOPIC_PREFIX
from streaming.kafka.offsets import TopicOffsets, lag_per_topic, reachable_offsets
from streaming.lake.committed_offsets import next_offsets
from streaming.lake.forgotten_runs import read_forgotten_runs
from streaming.lake.losses import read_losses
from streaming.lake.offset_gaps import read_gaps
from streaming.lake.reader import Lake, Snapshot
from ticketsim.records import open_instance
from ticketsim_assets.checks.offsets import OffsetState, OffsetVerdict
from ticketsim_assets.checks.offsets_check import check_settled_offsets, last_state
from ticketsim_assets.checks.stations import Comparison, Stations, compare_stations
from ticketsim_assets.settings import Settings
from ticketsim_assets.warehouse.mart_figures import read_mart_figures
from ticketsim_assets.warehouse.protocol import Reader


@dataclass(frozen=True, slots=True)
class KafkaStation:
    """What Kafka holds beside what the lake has consumed, per ``topic/partition``."""

    asked: bool  #: whether a broker answered
    offsets: Mapping[str, TopicOffsets]
    consumed: Mapping[str, int]  #: the lake's next offset
    lag: Mapping[str, int]  #: messages that the stream has not read, per topic
    lost: frozenset[str]  #: topics with losses that were recorded
    check: OffsetVerdict  #: of the rows of the lake

    @property
    def records(self) -> int:
        """The offsets that Kafka holds."""
        return sum(log.end - log.earliest for log in self.offsets.values())


@dataclass(frozen=True, slots=True)
class Explanation:
    """All stations, side by side."""

    bootstrap: str
    kafka: KafkaStation
    comparison: Comparison

    @property
    def ok(self) -> bool:
        """Whether no station differs."""
        return not self.comparison.differing and self.kafka.check.sound and not sum(self.kafka.lag.values())

    def lines(self) -> Iterator[str]:
        """Yield the explanation as text: a line per station, then per place that is not right."""
        total, kafka = self.comparison.totals, self.kafka
        held = f"{kafka.records:,} records, {sum(kafka.lag.values()):,} of them not read by the stream yet"
        yield f"produced   {total['produced']:,} events, by {total['receipts']:,} receipts"
        yield f"Kafka      {held if kafka.asked else f'not asked: no broker at {self.bootstrap}'}"
        yield f"lake       {total['lake']:,} events; {_offsets_in_words(kafka.check)}"
        yield f"warehouse  {total['warehouse']:,} events in {total['hours']:,} hours"
        yield f"marts      {total['marts']:,} events, of {total['counted_by_marts']:,} of types that a mart counts"
        yield from (f"           {problem}" for problem in kafka.check.problems)
        for (hour, run_id, venue_id), places in groupby(self.comparison.differing, key=_whose):
            yield f"run {run_id}, venue {venue_id}, hour {hour}:"
            yield from map(_line, places)
        if self.comparison.unexamined:
            yield f"contents of {self.comparison.unexamined:,} more hours were not compared; choose hours with --from"
        if self.ok:
            yield "no station differs"

    def as_json(self) -> dict[str, Any]:
        """Return the explanation as plain data."""
        kafka = self.kafka
        partitions = {
            name: {"earliest": log.earliest, "end": log.end, "lake_next": kafka.consumed.get(name, 0)}
            for name, log in kafka.offsets.items()
        }
        return {
            "ok": self.ok,
            "totals": dict(self.comparison.totals),
            "kafka": {
                "asked": kafka.asked,
                "records": kafka.records if kafka.asked else None,
                "lag": dict(kafka.lag) if kafka.asked else None,
                "partitions": partitions,
            },
            "offsets": {"sound": kafka.check.sound, "problems": kafka.check.problems, "losses": kafka.check.losses},
            "differences": [_as_json(each) for each in self.comparison.differing],
            "unexamined_hours": self.comparison.unexamined,
        }


def explain(settings: Settings, reader: Reader | None, start: datetime | None, end: datetime | None) -> Explanation:
    """Compare all stations, for hours from ``start`` until ``end``; None: from the beginning, to the end.

    Args:
        settings: Where the stations are.
        reader: The warehouse; None if there is none yet.
        start: First hour, aware.
        end: The first moment after the last hour, aware.

    Raises:
        NoLake: There is no lake.
    """
    lake = Lake(settings.lake)
    snapshot = lake.snapshot()
    kafka = _kafka(settings, lake, snapshot)
    figures = read_mart_figures(reader, start, end).problems if reader else ()
    compared = compare_stations(reader, snapshot, read_forgotten_runs(lake), figures, start=start, end=end)
    differing = tuple(_before_the_lake(each, kafka) for each in compared.differing)
    return Explanation(settings.bootstrap, kafka, replace(compared, differing=differing))


def _kafka(settings: Settings, lake: Lake, snapshot: Snapshot) -> KafkaStation:
    losses = read_losses(lake)
    offsets = reachable_offsets(settings.bootstrap)
    consumed = next_offsets(lake, losses, read_gaps(lake))
    with open_instance(settings) as instance:
        state = last_state(instance) if instance else OffsetState()
    return KafkaStation(
        asked=offsets is not None,
        offsets=offsets or {},
        consumed=consumed,
        lag=lag_per_topic(offsets or {}, consumed),
        lost=frozenset(loss.topic for loss in losses),
        check=check_settled_offsets(lake, snapshot, state),
    )


def _before_the_lake(stations: Stations, kafka: KafkaStation) -> Stations:
    """Say of events that are not in the lake whether they are still in Kafka, or were lost there or before."""
    if stations.first != "lake" or stations.produced is None or stations.lake >= stations.produced:
        return stations
    topic = f"{TOPIC_PREFIX}{stations.place.event_type}"
    if topic in kafka.lost:
        return replace(stations, first="kafka", difference=f"{stations.difference}; losses of {topic} were accepted")
    if not kafka.asked:
        return replace(stations, difference=f"{stations.difference}, or in Kafka, which was not asked")
    if lag := kafka.lag.get(topic):
        said = f"{stations.difference}; the stream has not read {lag:,} messages of {topic} yet"
        return replace(stations, difference=said)
    if not kafka.check.sound:
        return stations
    said = f"{stations.difference}: the lake has all that Kafka holds, so they never came there, or are in quarantine"
    return replace(stations, first="kafka", difference=said)


def _offsets_in_words(check: OffsetVerdict) -> str:
    if not check.sound:
        return "its offsets are not sound"
    return (
        f"each consumed offset once, but for {len(check.losses)} losses"
        if check.losses
        else "each consumed offset once"
    )


def _whose(stations: Stations) -> tuple[Any, str, str]:
    return stations.place.hour, stations.place.run_id, stations.place.venue_id


def _line(stations: Stations) -> str:
    counts = (
        ("produced", stations.produced),
        ("lake", stations.lake),
        ("warehouse", stations.warehouse),
        ("marts", stations.marts),
    )
    listed = ", ".join(f"{name} {count:,}" for name, count in counts if count is not None)
    return f"  {stations.place.event_type}: {stations.first}: {stations.difference} ({listed})"


def _as_json(stations: Stations) -> dict[str, Any]:
    place = stations.place
    return {
        "run_id": place.run_id,
        "venue_id": place.venue_id,
        "hour": str(place.hour),
        "event_type": place.event_type,
        "first": stations.first,
        "difference": stations.difference,
        "counts": {
            "produced": stations.produced,
            "lake": stations.lake,
            "warehouse": stations.warehouse,
            "marts": stations.marts,
        },
        "digests": dict(stations.digests),
    }
