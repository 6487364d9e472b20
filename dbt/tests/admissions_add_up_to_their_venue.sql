{{ config(meta={'dagster': {'ref': {'name': 'fct_visitor_journeys'}}}) }}

with

admissions as (

    select * from {{ ref('fct_admissions') }}
    where {{ in_window('hour_start') }}

),

journeys as (

    select * from {{ ref('fct_visitor_journeys') }}
    where {{ in_window('hour_start') }}

),

venues as (

    select * from {{ ref('agg_venue_hourly') }}
    where {{ in_window('hour_start') }}

),

admission_sums as (

    select
        run_id,
        venue_id,
        hour_start,
        sum(party_size) as visitors,
        sum(time_in_system_us * party_size) as visitor_us
    from admissions
    group by run_id, venue_id, hour_start

),

journey_sums as (

    select
        run_id,
        venue_id,
        hour_start,
        sum(party_size) as visitors
    from journeys
    group by run_id, venue_id, hour_start

),

compared as (

    select
        venues.*,
        coalesce(admission_sums.visitors, 0) as admitted,
        coalesce(admission_sums.visitor_us, 0) as visitor_us,
        coalesce(journey_sums.visitors, 0) as travelled
    from venues
    left join admission_sums
        on
            venues.run_id = admission_sums.run_id
            and venues.venue_id = admission_sums.venue_id
            and venues.hour_start = admission_sums.hour_start
    left join journey_sums
        on
            venues.run_id = journey_sums.run_id
            and venues.venue_id = journey_sums.venue_id
            and venues.hour_start = journey_sums.hour_start

),

final as (

    {{ differences('compared', [
        ['visitors_admitted', 'admitted', 'visitors_admitted'],
        ['time_in_system_us', 'visitor_us', 'time_in_system_us'],
        ['journeys', 'admitted', 'travelled'],
    ]) }}

)

select * from final
