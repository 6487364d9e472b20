{{ config(meta={'dagster': {'ref': {'name': 'agg_occupancy_5min'}}}, severity='warn') }}
{#- What walks, waits and services of later hours add to an hour is known once the venue has ended. -#}

with

slots as (

    select * from {{ ref('agg_occupancy_5min') }}
    where {{ in_window('hour_start') }}

),

venue_hours as (

    select * from {{ ref('agg_venue_hourly') }}

),

venues as (

    select * from {{ ref('dim_venues') }}
    where final_hour <= last_hour

),

people as (

    select
        run_id,
        venue_id,
        hour_start,
        sum(walking + waiting + serving) as people
    from slots
    where slot_start = hour_start
    group by run_id, venue_id, hour_start

),

came as (

    select
        people.run_id,
        people.venue_id,
        people.hour_start,
        people.people,
        sum(venue_hours.visitors_arrived - venue_hours.visitors_admitted) as not_in
    from people
    inner join venues
        on
            people.run_id = venues.run_id
            and people.venue_id = venues.venue_id
    inner join venue_hours
        on
            people.run_id = venue_hours.run_id
            and people.venue_id = venue_hours.venue_id
            and people.hour_start > venue_hours.hour_start
    group by people.run_id, people.venue_id, people.hour_start, people.people

),

final as (

    {{ differences('came', [['people between bus and gate', 'not_in', 'people']]) }}

)

select * from final
