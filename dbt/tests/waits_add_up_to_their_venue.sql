{{ config(meta={'dagster': {'ref': {'name': 'fct_queue_waits'}}}) }}

with

waits as (

    select * from {{ ref('fct_queue_waits') }}
    where {{ in_window('hour_start') }}

),

venues as (

    select * from {{ ref('agg_venue_hourly') }}
    where {{ in_window('hour_start') }}

),

sums as (

    select
        run_id,
        venue_id,
        hour_start,
        sum(case when stage = 'seller' then wait_us * party_size else 0 end) as seller_visitor_us,
        sum(case when stage = 'scanner' then wait_us * party_size else 0 end) as scanner_visitor_us,
        sum(party_size) as visitors
    from waits
    group by run_id, venue_id, hour_start

),

compared as (

    select
        venues.*,
        coalesce(sums.seller_visitor_us, 0) as seller_visitor_us,
        coalesce(sums.scanner_visitor_us, 0) as scanner_visitor_us,
        coalesce(sums.visitors, 0) as waiting_visitors
    from venues
    left join sums
        on
            venues.run_id = sums.run_id
            and venues.venue_id = sums.venue_id
            and venues.hour_start = sums.hour_start

),

final as (

    {{ differences('compared', [
        ['wait_in_seller_line_visitor_us', 'wait_in_seller_line_visitor_us', 'seller_visitor_us'],
        ['wait_in_scanner_line_visitor_us', 'wait_in_scanner_line_visitor_us', 'scanner_visitor_us'],
        ['visitors', 'wait_in_seller_line_visitors + wait_in_scanner_line_visitors', 'waiting_visitors'],
    ]) }}

)

select * from final
