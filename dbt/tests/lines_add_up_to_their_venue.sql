{{ config(meta={'dagster': {'ref': {'name': 'agg_line_hourly'}}}) }}

with

lines as (

    select * from {{ ref('agg_line_hourly') }}
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
        sum(case when stage = 'seller' then served else 0 end) as groups_served,
        sum(case when stage = 'seller' then visitors else 0 end) as buy_tickets_visitors,
        sum(case when stage = 'scanner' then visitors else 0 end) as visitors_admitted
    from lines
    group by run_id, venue_id, hour_start

),

compared as (

    select
        venues.*,
        coalesce(sums.groups_served, 0) as lines_groups_served,
        coalesce(sums.buy_tickets_visitors, 0) as lines_buy_tickets_visitors,
        coalesce(sums.visitors_admitted, 0) as lines_visitors_admitted
    from venues
    left join sums
        on
            venues.run_id = sums.run_id
            and venues.venue_id = sums.venue_id
            and venues.hour_start = sums.hour_start

),

final as (

    {{ differences('compared', [
        ['groups_served', 'groups_served', 'lines_groups_served'],
        ['buy_tickets_visitors', 'buy_tickets_visitors', 'lines_buy_tickets_visitors'],
        ['visitors_admitted', 'visitors_admitted', 'lines_visitors_admitted'],
    ]) }}

)

select * from final
