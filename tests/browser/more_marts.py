"""Marts beside the hourly figures of the browser's warehouse: waits, journeys, people and lines, no two hours alike."""

from pathlib import Path

import duckdb

from tests.duration_bins import create_duration_bins

_BINS = """(values
    (0, 4), (16, 20), (56, 64), (112, 128), (224, 256), (256, 320), (640, 768), (2048, 2560), (14336, null))"""

_MARTS = (
    # more at noon, more at the busier venue, and no two hours, lines, channels and bins alike
    f"""create table marts.agg_wait_histogram_hourly as
    select
        run_id, venue_id, hour_start, event_date, stage, line, channel,
        from_s * 1000000::bigint as from_us, to_s * 1000000::bigint as to_us, visitors as waits, visitors
    from (
        select
            * exclude (line), line::bigint as line,
            (visitors_arrived * (1 + (line * 7 + from_s // 8 + hour(hour_start) * (1 + from_s // 256)) % 23)
            // (case stage when 'seller' then 900 else 500 + 9 * from_s end))::bigint as visitors
        from
            marts.agg_venue_hourly,
            (values ('seller', 1, 'box_office'), ('seller', 2, 'box_office'), ('seller', 3, 'box_office'),
                ('scanner', 1, 'box_office'), ('scanner', 1, 'online'), ('scanner', 2, 'online'))
            as line (stage, line, channel),
            {_BINS} as bin (from_s, to_s)
    ) where visitors > 0""",
    """create table marts.agg_line_hourly as
    select
        run_id, venue_id, hour_start, event_date, stage, line::bigint as line,
        (visitors_arrived // (line * 2 + 3))::bigint as served, (visitors_arrived // (line + 3))::bigint as visitors,
        (1900000000::bigint - line * 200000000 + (visitors_arrived * 7919 * line) % 1500000000)::bigint as busy_us,
        case when hour(hour_start) = 4 and line = 2 then null else 1 end::bigint as servers
    from marts.agg_venue_hourly, (values ('seller', 1), ('seller', 2), ('seller', 3), ('scanner', 1), ('scanner', 2))
        as line (stage, line)
    where hour(hour_start) <> 3""",
    f"""create table marts.agg_time_in_system_hourly as
    select
        run_id, venue_id, hour_start, event_date, channel,
        from_s * 1000000::bigint as from_us, to_s * 1000000::bigint as to_us, visitors,
        visitors * from_s * 1000000::bigint as visitor_us
    from (
        select *, (visitors_admitted * (1 + (from_s + hour(hour_start)) % 7)
            // (case channel when 'online' then 60 + from_s else 120 end))::bigint as visitors
        from marts.agg_venue_hourly, (select unnest(['box_office', 'online']) as channel), {_BINS} as bin (from_s, to_s)
    ) where visitors > 0""",
    """create table marts.agg_journey_hourly as
    select
        run_id, venue_id, hour_start, event_date, channel, step,
        (visitors_admitted // n)::bigint as visitors,
        (visitors_admitted // n * (us + hour(hour_start) * 100003))::bigint as visitor_us
    from marts.agg_venue_hourly, (values
        ('box_office', 'walk_to_seller', 3, 60000000), ('box_office', 'wait_in_seller_line', 3, 1500000000),
        ('box_office', 'buy_tickets', 3, 61000000), ('box_office', 'walk_to_scanner', 3, 30000000),
        ('box_office', 'wait_in_scanner_line', 3, 19000000), ('box_office', 'scan_tickets', 3, 3000000),
        ('box_office', 'between_steps', 3, 0), ('online', 'walk_to_scanner', 2, 31000000),
        ('online', 'wait_in_scanner_line', 2, 20000000), ('online', 'scan_tickets', 2, 3100000),
        ('online', 'between_steps', 2, 0)) as part (channel, step, n, us)""",
    """create table marts.agg_occupancy_5min as
    select
        run_id, venue_id, hour_start, event_date, hour_start + interval 5 minute * slot as slot_start, stage,
        (visitors_arrived // 60)::bigint as walking, (crowd // 6)::bigint as waiting,
        (visitors_arrived // 90)::bigint as serving, (visitors_arrived // 50)::bigint as walking_max,
        (crowd // 5)::bigint as waiting_max, (visitors_arrived // 80)::bigint as serving_max,
        0::bigint as people_max, 0::bigint as longest_us
    from (
        select *, visitors_arrived * (1 + slot % 5) // (case stage when 'seller' then 1 else 8 end) as crowd
        from marts.agg_venue_hourly, (select unnest(range(12)) as slot),
            (select unnest(['seller', 'scanner']) as stage)
    )""",
    """create table marts.agg_quarantine_hourly as
    select hour_start, event_date, topic, reason, (1 + hour(hour_start) % 3)::bigint as messages
    from (select distinct hour_start, event_date from marts.agg_venue_hourly),
        (values ('buy_tickets', 'malformed_json'), ('scan_tickets', 'wrong_topic')) as of (topic, reason)
    where hour(hour_start) % 5 = 0""",
)


def add_marts(path: Path) -> None:
    """Make them from the warehouse's ``marts.agg_venue_hourly``."""
    with duckdb.connect(path) as connection:
        create_duration_bins(connection)
        for statement in _MARTS:
            connection.execute(statement)
