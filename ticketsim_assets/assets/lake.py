"""Kafka's topics and the lake's hours as external assets: the stream writes them, sensors report them."""

import dagster as dg

from simulator.events import EventType
from streaming.lake.layout import EVENTS_TABLE, QUARANTINE
from ticketsim_assets.assets.code_references import in_module
from ticketsim_assets.assets.column_schema import lake_schema, topic_schema
from ticketsim_assets.assets.freshness import ROWS_ARRIVE
from ticketsim_assets.keys import KAFKA_KEYS, LAKE_COMPLETE, LAKE_KEYS

_OWNERS = ["team:platform"]

KAFKA_ASSETS = [
    dg.AssetSpec(
        key,
        group_name="kafka",
        kinds={"kafka"},
        owners=_OWNERS,
        description=f"Topic of the {name} messages, as the simulator produced them. One message per activity."
        if name != EventType.HOUR_CLOSED
        else "Topic of the receipts: what each venue produced in each hour. One message per venue, hour and type.",
        metadata={
            "topic": EventType(name).topic,
            "dagster/column_schema": topic_schema(EventType(name)),
            **in_module("simulator.topics"),
        },
    )
    for name, key in KAFKA_KEYS.items()
]


def lake_assets(lake: str, hourly: dg.HourlyPartitionsDefinition) -> list[dg.AssetSpec]:
    """Build the hours of each event type and of the quarantine in the lake at ``lake``."""
    return [
        dg.AssetSpec(
            key,
            deps=[KAFKA_KEYS[name]] if name != QUARANTINE else list(KAFKA_KEYS.values()),
            partitions_def=hourly,
            group_name="lake",
            kinds={"delta", "spark"},
            owners=_OWNERS,
            description=f"Rows of {name} in the lake, by the hour of event_time. One row per message."
            if name != QUARANTINE
            else "Messages that break the contract, with their bytes and the reason, by the hour of arrival. "
            "One row per message.",
            metadata={
                "dagster/uri": f"{lake}/{EVENTS_TABLE}/event_type={name}",
                "dagster/column_schema": lake_schema(name),
                **in_module("streaming.query.job"),
            },
            freshness_policy=ROWS_ARRIVE if name != QUARANTINE else None,
        )
        for name, key in LAKE_KEYS.items()
    ]


def complete_asset(hourly: dg.HourlyPartitionsDefinition) -> dg.AssetSpec:
    """Build the asset of the hours that are complete."""
    return dg.AssetSpec(
        LAKE_COMPLETE,
        deps=[key for name, key in LAKE_KEYS.items() if name != QUARANTINE],
        partitions_def=hourly,
        group_name="lake",
        kinds={"delta"},
        owners=_OWNERS,
        description="An hour is here once every venue's receipts and all that they count are in the lake, or once it "
        "is late. Its data version is its fingerprint: the newest Delta version that changed it. "
        "One partition per hour.",
        metadata=in_module("ticketsim_assets.hours.reports"),
        freshness_policy=ROWS_ARRIVE,
    )
