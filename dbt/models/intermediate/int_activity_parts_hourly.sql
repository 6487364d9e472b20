{#- An activity goes on from the hour in which it began to that of its end: macros/activity_span.sql says which hours
    are built, and in which the activities end that matter to them. -#}
{%- set span = activity_span() -%}
{%- set activities = [
    ('walks_to_seller', 'seller', 'walking', 'started_at', 'event_time', 'duration_us'),
    ('walks_to_scanner', 'scanner', 'walking', 'started_at', 'event_time', 'duration_us'),
    ('sales', 'seller', 'serving', 'sale_began_at', 'sold_at', 'sale_us'),
    ('admissions', 'scanner', 'serving', 'scan_began_at', 'admitted_at', 'scan_us'),
] -%}

with

walks_to_seller as (

    select * from {{ ref('stg_walk_to_seller') }}
    where {{ between_hours(span.read) }}

),

walks_to_scanner as (

    select * from {{ ref('stg_walk_to_scanner') }}
    where {{ between_hours(span.read) }}

),

waits as (

    select * from {{ ref('fct_queue_waits') }}
    where {{ between_hours(span.read, 'hour_start') }}

),

sales as (

    select * from {{ ref('fct_ticket_sales') }}
    where {{ between_hours(span.read, 'hour_start') }}

),

admissions as (

    select * from {{ ref('fct_admissions') }}
    where {{ between_hours(span.read, 'hour_start') }}

),

activities as (

    select
        run_id,
        venue_id,
        hour_start,
        stage,
        'waiting' as state,
        party_size,
        joined_at as began_at,
        served_at as ended_at,
        wait_us as activity_us
    from waits
    {% for activity, stage, state, began_at, ended_at, activity_us in activities %}
    union all
    select
        run_id,
        venue_id,
        hour_start,
        '{{ stage }}' as stage,
        '{{ state }}' as state,
        party_size,
        {{ began_at }} as began_at,
        {{ ended_at }} as ended_at,
        {{ activity_us }} as activity_us
    from {{ activity }}
    {% endfor %}

),

-- in the hour in which it ended, and in each hour before from that in which it began
final as (

    select
        run_id,
        venue_id,
        hour_start,
        stage,
        state,
        party_size,
        {{ microseconds_between('hour_start', 'greatest(began_at, hour_start)') }} as from_us,
        {{ microseconds_between('hour_start', 'ended_at') }} as until_us,
        activity_us as ended_after_us
    from activities
    union all
    select
        run_id,
        venue_id,
        busy_hour as hour_start,
        stage,
        state,
        party_size,
        {{ microseconds_between('busy_hour', 'greatest(began_at, busy_hour)') }} as from_us,
        3600000000 as until_us,
        cast(null as bigint) as ended_after_us
    from activities
    cross join {{ earlier_hours() }}
    where began_at < hour_start

)

select * from final
