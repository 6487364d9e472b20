"""The view ``raw.reconciliation``: the warehouse's events against the simulation's receipts, live over raw.events.

The rule stands in ``reconciliation.sql``, and only there. The loader makes the view with the raw tables, so that the
check of a load can ask it before dbt has run; dbt reads it as a source.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal

from simulator.digest import DIGEST_MODULUS
from simulator.events import ACTIVITY_TYPES
from streaming.lake.layout import Column
from ticketsim_assets.warehouse.digest_sql import (
    keys_weight_expression,
    sequence_expression,
    square_expression,
    weight_expression,
)

RECONCILIATION: Final = "raw.reconciliation"

RECONCILIATION_COLUMNS: Final = (
    Column("run_id", "string", "One start of the simulator."),
    Column("venue_id", "string", "The venue."),
    Column("hour_start", "timestamp", "The UTC hour."),
    Column("event_date", "date", "UTC date of the hour."),
    Column("event_type", "string", "One of the seven activities."),
    Column("expected_count", "bigint", "Events that the receipt counts; null without a receipt."),
    Column("actual_count", "bigint", "Events in the warehouse."),
    Column("expected_duration_us", "bigint", "Sum of durations that the receipt states; null without a receipt."),
    Column("actual_duration_us", "bigint", "Sum of the durations of the events in the warehouse, microseconds."),
    Column("expected_digest", "bigint", "Digest of all fields that the receipt states; null if it states none."),
    Column("actual_digest", "bigint", "Digest of all fields of the events and the receipt in the warehouse."),
    Column(
        *("state", "string"),
        "`proved` (equal to the receipt in every field), `counted` (equal to a receipt without a digest in number and "
        "duration), `unproved` (no receipt) or `wrong` (differs from it).",
    ),
    Column("difference", "string", "What differs or was not compared, as a sentence; null if proved."),
)

#: In DuckDB, the hour in which a row of a raw table is filed.
FILED_HOUR: Final = "cast(event_date as timestamp) + interval 1 hour * event_hour"

_TEMPLATE: Final = Path(__file__).with_name("reconciliation.sql")

_FUNCTIONS: Final[Mapping[str, Mapping[str, Callable[..., str]]]] = {
    "duckdb": {
        "hour_of": lambda time: f"date_trunc('hour', {time})",
        "filed_hour": lambda: FILED_HOUR,
        "microseconds_between": lambda start, end: f"date_diff('microsecond', {start}, {end})",
    },
    "bigquery": {
        "hour_of": lambda time: f"timestamp_trunc({time}, hour)",
        "filed_hour": lambda: "timestamp_add(timestamp(event_date), interval event_hour hour)",
        "microseconds_between": lambda start, end: f"timestamp_diff({end}, {start}, microsecond)",
    },
}


def reconciliation_query(engine: Literal["duckdb", "bigquery"], raw_events: str, conflicting_copies: str) -> str:
    """Return the query of the view in the dialect of ``engine``.

    Args:
        engine: whose functions to use.
        raw_events: what that engine calls the table raw.events.
        conflicting_copies: what it calls the table of copies with other contents.
    """
    import jinja2  # noqa: PLC0415 - whoever only names the view need not load it

    activities = [event_type.value for event_type in ACTIVITY_TYPES]
    template = jinja2.Template(_TEMPLATE.read_text(encoding="utf-8"), undefined=jinja2.StrictUndefined)
    tables = {"raw_events": raw_events, "conflicting_copies": conflicting_copies}
    digest = {
        "sequence": sequence_expression(engine),
        "weight": weight_expression(engine),
        "keys_weight": keys_weight_expression(engine),
        "squared": square_expression,
        "digest_modulus": DIGEST_MODULUS,
    }
    return template.render(activity_names=activities, **tables, **_FUNCTIONS[engine], **digest)
