"""Two warnings: consumer lag of a topic, and the rate of messages of an hour that break the contract.

Sensors report them; each can be run from the UI as well. Neither stops anything.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import dagster as dg

from simulator.events import EventType
from streaming.exceptions import NoLake
from streaming.kafka.offsets import TopicOffsets, consumer_lag, offsets_of_topic, topic_offsets
from streaming.lake.reader import Lake, Snapshot
from streaming.topic_partition import TopicPartition
from ticketsim_assets.checks.check_result import CheckResult
from ticketsim_assets.checks.offsets import OffsetState
from ticketsim_assets.checks.offsets_check import last_state
from ticketsim_assets.checks.quarantine_rate import HourRate, newest_rates
from ticketsim_assets.keys import KAFKA_KEYS, LAKE_KEYS
from ticketsim_assets.resources.resources import LakeResource
from ticketsim_assets.settings import Settings

LAG_CHECKS: Final = {name: dg.AssetCheckKey(key, "lag") for name, key in KAFKA_KEYS.items()}

QUARANTINE_RATE_CHECK: Final = dg.AssetCheckKey(LAKE_KEYS["quarantine"], "quarantine_rate")

#: Five triggers of the stream; a stream with messages to read and no commit for longer has stalled.
STANDSTILL: Final = timedelta(minutes=10)


def evaluate_lag(
    name: str,
    offsets: Mapping[str, TopicOffsets],
    committed: Mapping[str, int],
    *,
    threshold: int,
    since_commit: timedelta | None,
) -> CheckResult:
    """Check the lag of the topic of event type ``name``, and that the stream has not stalled.

    Args:
        name: The event type.
        offsets: What Kafka holds, per ``topic/partition``.
        committed: The lake's next offset, per ``topic/partition``.
        threshold: Messages above which the lag is too large.
        since_commit: The age of the lake's newest commit; None if there is none.
    """
    topic = EventType(name).topic
    of_topic = offsets_of_topic(offsets, topic)
    lag = consumer_lag(of_topic, committed)
    stands = lag > 0 and (since_commit is None or since_commit > STANDSTILL)
    said = f"{topic} is {lag:,} messages ahead of the lake; the threshold is {threshold:,}"
    if stands:
        still = "there is no commit" if since_commit is None else f"the newest commit is {_minutes(since_commit)} old"
        said += f"; {still}, more than {_minutes(STANDSTILL)} are too many: does the stream run?"
    return CheckResult(
        LAG_CHECKS[name],
        passed=lag <= threshold and not stands,
        severity=dg.AssetCheckSeverity.WARN,
        description=said,
        metadata={
            "lag": dg.MetadataValue.int(lag),
            "threshold": dg.MetadataValue.int(threshold),
            "partitions": _partitions(of_topic, committed),
        },
    )


def evaluate_rates(rates: list[HourRate], threshold: float) -> CheckResult:
    """Check that in no hour the share of messages that break the contract exceeds ``threshold``."""
    high = [rate for rate in rates if rate.rate > threshold]
    return CheckResult(
        QUARANTINE_RATE_CHECK,
        passed=not high,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(f"{rate}, more than {threshold:.1%}" for rate in high)
        or f"at most {threshold:.1%} of the messages of this hour and the last one broke the contract",
        metadata={"threshold": dg.MetadataValue.float(threshold), "hours": _hours(rates)},
    )


def lag_warnings(
    lake: Lake,
    snapshot: Snapshot | None,
    state: OffsetState,
    offsets: Mapping[str, TopicOffsets],
    now: datetime,
    *,
    threshold: int,
) -> list[CheckResult]:
    """Compare the eight topics with what the offsets check last saw in the lake; nothing while it has seen no lake.

    Args:
        lake: The lake whose log to read.
        snapshot: Its newest version; None if there is no lake yet.
        state: What the offsets check last saw.
        offsets: What Kafka holds, per ``topic/partition``.
        now: The wall clock.
        threshold: Messages of a topic that the lake may lack.
    """
    if snapshot is not None and state.version < 0:
        return []
    age = None
    if snapshot is not None:
        [newest] = lake.commits(snapshot.version - 1, snapshot.version)
        age = now - newest.committed_at
    return [
        evaluate_lag(name, offsets, state.next_offsets, threshold=threshold, since_commit=age) for name in KAFKA_KEYS
    ]


def stream_checks(settings: Settings) -> list[dg.AssetChecksDefinition]:
    """Build both checks, with the thresholds of ``settings``."""

    @dg.multi_asset_check(
        name="lag",
        specs=[
            dg.AssetCheckSpec(
                check.name,
                asset=check.asset_key,
                description="The lake lacks few of the topic's messages, and the stream is running. A warning.",
            )
            for check in LAG_CHECKS.values()
        ],
        can_subset=True,
    )
    def lag(context: dg.AssetCheckExecutionContext, lake: LakeResource) -> Iterator[dg.AssetCheckResult]:
        """Run the same check as the sensor does, on request."""
        offsets = topic_offsets(settings.bootstrap)
        if offsets is None:
            raise dg.Failure(f"no broker answers at {settings.bootstrap}. Start it: `ticketsim broker start`.")
        opened, state = lake.open(), last_state(context.instance)
        snapshot = opened.snapshot() if opened.exists() else None
        now, threshold = datetime.now(UTC), settings.lag_warning
        for verdict in lag_warnings(opened, snapshot, state, offsets, now, threshold=threshold):
            if verdict.check in context.selected_asset_check_keys:
                yield verdict.as_result()

    @dg.asset_check(
        asset=QUARANTINE_RATE_CHECK.asset_key,
        name=QUARANTINE_RATE_CHECK.name,
        description="Few of the messages that came in this hour and the last one broke the contract. A warning.",
    )
    def quarantine_rate(lake: LakeResource) -> dg.AssetCheckResult:
        """Run the same check as the sensor does, on request."""
        try:
            opened = lake.open()
            rates = newest_rates(opened, opened.snapshot(), datetime.now(UTC))
        except NoLake as missing:
            raise dg.Failure(str(missing)) from None
        return evaluate_rates(rates, settings.quarantine_warning).as_result()

    return [lag, quarantine_rate]


def _minutes(duration: timedelta) -> str:
    return f"{duration / timedelta(minutes=1):.0f} minutes"


def _partitions(offsets: Mapping[str, TopicOffsets], committed: Mapping[str, int]) -> dg.TableMetadataValue:
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "partition": str(TopicPartition.parse(name).partition),
                    "end_offset": log.end,
                    "committed": committed.get(name, 0),
                    "lag": consumer_lag({name: log}, committed),
                }
            )
            for name, log in sorted(offsets.items())
        ],
        dg.TableSchema(
            [dg.TableColumn("partition"), *(dg.TableColumn(name, "int") for name in ("end_offset", "committed", "lag"))]
        ),
    )


def _hours(rates: list[HourRate]) -> dg.TableMetadataValue:
    return dg.MetadataValue.table(
        [
            dg.TableRecord({"hour": str(rate.hour), "reason": reason, "messages": count, "rate": count / rate.rows})
            for rate in rates
            for reason, count in rate.reasons.most_common()
        ],
        dg.TableSchema(
            [
                dg.TableColumn("hour"),
                dg.TableColumn("reason"),
                dg.TableColumn("messages", "int"),
                dg.TableColumn("rate", "float"),
            ]
        ),
    )
