{{ config(meta={'dagster': {'ref': {'name': 'agg_venue_hourly'}}}) }}

with

venues as (

    select * from {{ ref('agg_venue_hourly') }}
    where {{ in_window('hour_start') }}

),

receipts as (

    select * from {{ ref('stg_hour_closed') }}
    where {{ in_window() }}

),

receipted as (

    select
        run_id,
        venue_id,
        hour_start
    from receipts
    group by run_id, venue_id, hour_start
    having count(distinct of_event_type) = {{ activities() | length }}

),

proved as (

    select venues.*
    from venues
    inner join receipted
        on
            venues.run_id = receipted.run_id
            and venues.venue_id = receipted.venue_id
            and venues.hour_start = receipted.hour_start

),

final as (

    {{ differences('proved', [['visitors_arrived', 'visitors_arrived', 'arrivals_admitted + arrivals_inside']]) }}

)

select * from final
